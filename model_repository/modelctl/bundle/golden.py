"""golden.npz: recorded inputs and the probabilities that the model must give for them. The file is untrusted."""

import io
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle import zip_form
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.zip_form import Member

MAX_INPUTS = 64
# The agent holds them all, and a batch of them several times over.
MAX_INPUT_BYTES = 64 << 20

# Of a model that names one class, probabilities are FP32 rows whose sum is 1 within a few ulp.
_SUM_TOLERANCE = 1e-3
_NPY_START_BYTES = 10
_MAX_NPY_HEADER_BYTES = 256

# What zlib, struct and zip_form raise for bytes that are no such file.
_UNREADABLE = (zlib.error, struct.error, OSError, ValueError)


@dataclass(frozen=True)
class Golden:
    """`inputs` FP32 [N, C, H, W], preprocessed; `probabilities` FP32 [N, labels].

    Rows sum to 1, unless the model names several findings at once (`is_several`). `activation` is the contract's.
    """

    inputs: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    activation: str = "softmax"
    is_several: bool = False


def activate(values: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    """Probabilities FP32 [N, labels] of a model's output [N, labels]."""
    if activation == "softmax":
        return softmax(values)
    return sigmoid(values) if activation == "sigmoid" else values


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities FP32 [N, C] of logits [N, C], shifted by the row maximum so that nothing overflows."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities FP32 of logits of any shape; exp is never taken of a positive number, so nothing overflows."""
    powers = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, powers) / (1 + powers), np.float32)


def read(source: Path | BinaryIO, contract: Contract) -> Golden:
    """Reads the golden.npz of a model, holding at most MAX_INPUTS images in memory; raises InvalidBundle."""
    output = contract.output
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
        inputs, probabilities = zip_form.members(data, ("inputs.npy", "probabilities.npy"))
        golden = Golden(
            _array(inputs, "inputs", contract.input.shape),
            _array(probabilities, "probabilities", (len(output.labels),)),
            output.activation,
            bool(output.thresholds),
        )
    except _UNREADABLE as error:
        raise InvalidBundle(f"golden.npz cannot be read ({str(error)[:80]}); pack it again") from None
    _check(golden)
    return golden


def max_inputs(shape: tuple[int, ...]) -> int:
    """So many images of this shape may be recorded."""
    return max(1, min(MAX_INPUTS, MAX_INPUT_BYTES // (4 * math.prod(shape))))


def dump(golden: Golden) -> bytes:
    """The bytes of golden.npz; equal arrays give equal bytes (numpy's own savez writes the time)."""
    _check(golden)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in (("inputs", golden.inputs), ("probabilities", golden.probabilities)):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array, np.float32), version=(1, 0))
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())
    return out.getvalue()


def _array(member: Member, name: str, row: tuple[int, ...]) -> NDArray[np.float32]:
    # The sizes in the zip are not trusted: no more is unpacked than the largest array needs.
    content = zip_form.unpack(member, _NPY_START_BYTES + _MAX_NPY_HEADER_BYTES + 4 * max_inputs(row) * math.prod(row))
    rows, begin = _rows(content, name, row)
    if len(content) - begin != 4 * rows * math.prod(row):
        raise ValueError(f"{name} has another length than its shape says")
    return np.frombuffer(memoryview(content)[begin:], np.float32).reshape(rows, *row)


def _rows(content: bytes, name: str, row: tuple[int, ...]) -> tuple[int, int]:
    """Rows of an array, and where its values begin, from the .npy header.

    numpy itself would evaluate the header as Python: only the one that `dump` writes is taken.
    """
    magic, length = struct.unpack_from("<8sH", content)
    begin = _NPY_START_BYTES + length
    expected = ", ".join(map(str, row))
    header = rf"\{{'descr': '<f4', 'fortran_order': False, 'shape': \((\d{{1,9}}), {expected}\), \}} *\n"
    text = content[_NPY_START_BYTES:begin] if length <= _MAX_NPY_HEADER_BYTES else b""
    match = re.fullmatch(header, text.decode("latin-1"))
    rows = int(match[1]) if match and magic == b"\x93NUMPY\x01\x00" else 0
    if not 1 <= rows <= max_inputs(row):
        raise InvalidBundle(f"golden.npz: {name} must be FP32 [1..{max_inputs(row)}, {expected}]; pack it again")
    return rows, begin


def _check(golden: Golden) -> None:
    if len(golden.inputs) != len(golden.probabilities):
        raise InvalidBundle("golden.npz: inputs and probabilities must have the same number of rows")
    for name, array in (("inputs", golden.inputs), ("probabilities", golden.probabilities)):
        if not np.isfinite(array).all():
            raise InvalidBundle(f"golden.npz: {name} holds NaN or infinity")
    lowest, highest = golden.probabilities.min(), golden.probabilities.max()
    if golden.is_several:
        if lowest < 0 or highest > 1:
            raise InvalidBundle("golden.npz: all probabilities must be from 0 to 1; declare the model's activation")
    elif lowest < 0 or np.abs(golden.probabilities.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise InvalidBundle("golden.npz: each row of probabilities must be non-negative and sum to 1")
