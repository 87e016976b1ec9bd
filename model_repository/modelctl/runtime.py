"""Runs models with ONNX Runtime on the CPU, as the reference for what a model must answer."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from modelctl.bundle.errors import ModelctlError

FloatArray = NDArray[np.float32]
Run = Callable[[FloatArray], FloatArray]

_MEASURE_SECONDS = 300


def load(model: bytes | Path) -> Run:
    """Loads a model with one input and one output; the result maps a batch to the output.

    Raises ModelctlError with the runtime's reason.
    """
    session = _session(model)
    return lambda batch: _run(session, None, batch)[0]


def outputs(model: bytes, names: list[str], batch: FloatArray) -> list[FloatArray]:
    """The named outputs for one batch; raises ModelctlError with the runtime's reason."""
    return _run(_session(model), names, batch)


def measure_memory_bytes(model: bytes, batch: tuple[int, ...]) -> int:
    """Resident memory, at its peak, that loading the model and running one batch of this shape adds to a process."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(model)
        file.flush()
        command = [sys.executable, "-m", "modelctl.memory", file.name, *map(str, batch)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=_MEASURE_SECONDS)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"the process ended with {result.returncode}"])[-1]
        raise ModelctlError(f"the model's memory could not be measured: {reason}")
    return int(result.stdout)


def _session(model: bytes | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class of its own
        raise ModelctlError(f"ONNX Runtime does not load the model: {_first_line(error)}") from None


def _run(session: onnxruntime.InferenceSession, names: list[str] | None, batch: FloatArray) -> list[FloatArray]:
    try:
        return [np.asarray(value) for value in session.run(names, {session.get_inputs()[0].name: batch})]
    except Exception as error:
        raise ModelctlError(f"ONNX Runtime does not run the model: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
