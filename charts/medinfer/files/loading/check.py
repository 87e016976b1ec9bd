"""Shows on this very Triton that loading a version leaves the one beside it alone: not started again, always ready.

Usage: check.py MODEL_REPOSITORY KIND_GPU|KIND_CPU [ADDRESS]. Runs in the operator's image, and loads as the agent does.
A canary is safe where this ends with 0; elsewhere every load would cost the patients of the version in service.
"""

import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import tritonclient.grpc as grpcclient
from replica_agent.config import parse_config, to_override, with_versions

MODEL = "loading"
HERE = Path(__file__).parent
START_SECONDS = 300
ROWS = np.arange(4, dtype=np.float32).reshape(1, 4)
UNSAFE = "canaries are unsafe on this Triton"


class Unsafe(Exception):
    """What was seen; the sentence for a person."""


class Triton:
    def __init__(self, repository: Path, kind: str, address: str) -> None:
        self.folder = repository / MODEL
        self._config = parse_config((HERE / "config.pbtxt").read_text(), kind)
        self._client = grpcclient.InferenceServerClient(f"{address}:8001")
        self._health = f"http://{address}:8000/v2/health/ready"

    def write_model(self) -> None:
        for version in (1, 2):
            (self.folder / str(version)).mkdir(parents=True)
            shutil.copyfile(HERE / f"{version}.onnx", self.folder / str(version) / "model.onnx")
        shutil.copyfile(HERE / "config.pbtxt", self.folder / "config.pbtxt")

    def load(self, *versions: int) -> None:
        self._client.load_model(MODEL, config=to_override(with_versions(self._config, versions)))

    def ask(self, version: int) -> list[float]:
        tensor = grpcclient.InferInput("input", ROWS.shape, "FP32")
        tensor.set_data_from_numpy(ROWS)
        return self._client.infer(MODEL, [tensor], model_version=str(version)).as_numpy("output")[0].tolist()

    def count(self, version: int) -> int:
        """Answers since the version was started, by Triton's own statistics."""
        return self._client.get_inference_statistics(MODEL, str(version)).model_stats[0].inference_count

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self._health, timeout=5) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False


class Patients(threading.Thread):
    """Asks version 1 all the time, and whether Triton is ready."""

    def __init__(self, triton: Triton) -> None:
        super().__init__(daemon=True)
        self.answered, self.troubles = 0, []
        self._triton, self._ended = triton, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.01):
            try:
                self._triton.ask(1)
                self.answered += 1
            except Exception as error:
                self.troubles.append(f"a request to version 1 failed: {error}")
            if not self._triton.is_ready():
                self.troubles.append("Triton was not ready")

    def end(self) -> int:
        """How many were answered; raises Unsafe."""
        time.sleep(0.2)
        self._ended.set()
        self.join()
        if self.troubles:
            raise Unsafe(f"{self.troubles[0]} (and {len(self.troubles) - 1} more)")
        return self.answered


def check(triton: Triton) -> None:
    triton.write_model()
    triton.load(1)
    patients = Patients(triton)
    patients.start()
    triton.load(1, 2)
    if triton.ask(2) != (-ROWS[0]).tolist() or triton.ask(1) != ROWS[0].tolist():
        raise Unsafe("versions 1 and 2 do not both give their own answers")
    triton.load(1)
    answered = patients.end() + 1
    if triton.count(1) != answered:
        raise Unsafe(f"version 1 gave {answered} answers, its statistics say {triton.count(1)}: it was started again")
    print(
        f"Version 2 came and went, {answered} requests to version 1 meanwhile: none failed, it was not started again."
    )


def check_the_check(triton: Triton) -> None:
    """A file that lies in the model's folder makes Triton start every version again: the statistics must show it."""
    (triton.folder / "labels.txt").write_text("")
    before = triton.count(1)
    triton.load(1, 2)
    if triton.count(1) >= before:
        raise Unsafe("its statistics do not show when a version is started again, so nothing is proved")


def main() -> int:
    repository, kind, address = (*sys.argv[1:], "127.0.0.1")[:3]
    triton = Triton(Path(repository), kind, address)
    until = time.monotonic() + START_SECONDS
    while not triton.is_ready():
        if time.monotonic() > until:
            print(f"Triton is not ready after {START_SECONDS} s; its log says why", file=sys.stderr)
            return 1
        time.sleep(0.5)
    try:
        check(triton)
        check_the_check(triton)
    except Unsafe as seen:
        print(f"{UNSAFE}: {seen}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
