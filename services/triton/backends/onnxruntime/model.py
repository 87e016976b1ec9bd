"""ONNX Runtime on the CPU as a Python-based Triton backend, so that `platform: "onnxruntime_onnx"` loads unchanged.

NVIDIA's CPU wheel of tritonserver carries the Python backend only. Requests are batched by Triton's dynamic batcher;
one execute call is one ONNX Runtime call. MEDINFER_ORT_THREADS sets ONNX Runtime's intra-op threads (default 1).
"""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self.guard = start_guard()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("MEDINFER_ORT_THREADS", "1"))
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except BaseException:
            self.finalize()
            raise
        self.input = self.session.get_inputs()[0].name
        self.output = self.session.get_outputs()[0].name

    def execute(self, requests: list) -> list:
        inputs = [triton.get_input_tensor_by_name(request, self.input).as_numpy() for request in requests]
        batch = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        try:
            rows = self.session.run([self.output], {self.input: batch})[0]
        except Exception as error:
            # Each response frees its error: one shared by a batch ends Triton with a segmentation fault.
            return [triton.InferenceResponse(error=triton.TritonError(str(error))) for _ in requests]
        starts = np.cumsum([0, *(len(part) for part in inputs)])
        return [
            triton.InferenceResponse([triton.Tensor(self.output, rows[start:end])]) for start, end in pairwise(starts)
        ]

    def finalize(self) -> None:
        self.guard.stdin.write(b"done")
        self.guard.stdin.close()
        self.guard.wait()


def start_guard() -> subprocess.Popen:
    """With the real backend a crash of ONNX Runtime ends tritonserver; here it would end only this stub process.

    The guard keeps that contract, so that what is tested without a GPU holds with one. It is in no group of Triton's:
    whoever kills that group leaves it to clear away.
    """
    script = str(Path(__file__).with_name("guard.py"))
    interpreter = sys.executable if "python" in Path(sys.executable).name else "python3"
    command = [interpreter, "-IS", script, str(os.getppid()), *shared_memory()]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    guard.stdout.read(1)
    return guard


def shared_memory() -> list[str]:
    """Files in /dev/shm through which this stub talks to Triton."""
    return [word for word in Path("/proc/self/maps").read_text().split() if word.startswith("/dev/shm/")]
