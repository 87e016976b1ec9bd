"""golden.npz: recorded inputs and the probabilities that the model must give for them. The file is untrusted."""

import io
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle

MAX_INPUTS = 64
# The agent holds them all, and a batch of them several times over.
MAX_INPUT_BYTES = 64 << 20

# Of a model that names one class, probabilities are FP32 rows whose sum is 1 within a few ulp.
_SUM_TOLERANCE = 1e-3
_MAX_NPY_HEADER_BYTES = 256

# What zipfile, zlib, struct are known to raise for bytes that are no such file (RuntimeError: encrypted).
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)


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
        with zipfile.ZipFile(source) as archive:
            if sorted(archive.namelist()) != ["inputs.npy", "probabilities.npy"]:
                raise InvalidBundle("golden.npz must hold exactly inputs and probabilities")
            golden = Golden(
                _array(archive, "inputs", contract.input.shape),
                _array(archive, "probabilities", (len(output.labels),)),
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


def _array(archive: zipfile.ZipFile, name: str, row: tuple[int, ...]) -> NDArray[np.float32]:
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("neither stored nor deflated")
    with archive.open(entry) as member:
        shape = (_rows(member, name, row), *row)
        # The zip's own size field is not trusted: exactly what the checked shape needs is read, and not a byte more.
        wanted = 4 * math.prod(shape)
        content = member.read(wanted)
        if len(content) != wanted or member.read(1):
            raise ValueError(f"{name} has another length than its shape says")
    return np.frombuffer(content, np.float32).reshape(shape)


def _rows(member: IO[bytes], name: str, row: tuple[int, ...]) -> int:
    """Reads the .npy header, which numpy itself would evaluate as Python: only the one that `dump` writes is taken."""
    magic, length = struct.unpack("<8sH", member.read(10))
    expected = ", ".join(map(str, row))
    header = rf"\{{'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), {expected}\), \}} *\n"
    match = re.fullmatch(header, member.read(min(length, _MAX_NPY_HEADER_BYTES)).decode("latin-1"))
    rows = int(match[1]) if match and magic == b"\x93NUMPY\x01\x00" else 0
    if not 1 <= rows <= max_inputs(row):
        raise InvalidBundle(f"golden.npz: {name} must be FP32 [1..{max_inputs(row)}, {expected}]; pack it again")
    return rows


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
