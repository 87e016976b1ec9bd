"""Shows on one Triton that loading a version leaves the other version alone: not restarted, and always ready.

A canary is safe on a Triton where this command ends with 0. On any other, each load would fail requests to the version
in service. It loads exactly as the agent does, and `helm test` runs it in the agent's image.
"""

import argparse
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
from replica_agent.ports import GRPC_PORT, HTTP_PORT

MODEL = "loading"
START_SECONDS = 300
REQUEST_PAUSE_SECONDS = 0.01
ROWS = np.arange(4, dtype=np.float32).reshape(1, 4)
UNSAFE = "canaries are unsafe on this Triton"


class Unsafe(Exception):
    """The message says what was seen."""


class Triton:
    """The Triton at `address`. `source` holds config.pbtxt, 1.onnx and 2.onnx; `repository` is what Triton reads."""

    def __init__(self, source: Path, repository: Path, instance_kind: str, address: str) -> None:
        self._source = source
        self.folder = repository / MODEL
        self._config = parse_config((source / "config.pbtxt").read_text(), instance_kind)
        self._client = grpcclient.InferenceServerClient(f"{address}:{GRPC_PORT}")
        self._health = f"http://{address}:{HTTP_PORT}/v2/health/ready"

    def write_model(self) -> None:
        """Puts both versions into the model repository."""
        for version in (1, 2):
            (self.folder / str(version)).mkdir(parents=True)
            shutil.copyfile(self._source / f"{version}.onnx", self.folder / str(version) / "model.onnx")
        shutil.copyfile(self._source / "config.pbtxt", self.folder / "config.pbtxt")

    def load(self, *versions: int) -> None:
        """Loads the model with a policy of exactly `versions`; raises tritonclient's InferenceServerException."""
        self._client.load_model(MODEL, config=to_override(with_versions(self._config, versions)))

    def ask(self, version: int) -> list[float]:
        """Four numbers: version 1 returns its input, version 2 the negative of it."""
        tensor = grpcclient.InferInput("input", ROWS.shape, "FP32")
        tensor.set_data_from_numpy(ROWS)
        answer: list[float] = self._client.infer(MODEL, [tensor], model_version=str(version)).as_numpy("output")[0]
        return [float(value) for value in answer]

    def count(self, version: int) -> int:
        """Answers since the version was started, from Triton's own statistics."""
        return int(self._client.get_inference_statistics(MODEL, str(version)).model_stats[0].inference_count)

    def is_ready(self) -> bool:
        """What Triton's readiness endpoint says; False while nobody listens."""
        try:
            with urllib.request.urlopen(self._health, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Requests(threading.Thread):
    """Sends requests to version 1, one after another, and asks each time whether Triton is ready."""

    def __init__(self, triton: Triton) -> None:
        super().__init__(daemon=True)
        self._answered = 0
        self._problems: list[str] = []
        self._triton, self._stopped = triton, threading.Event()

    def run(self) -> None:
        """Runs until `stop`."""
        while not self._stopped.wait(REQUEST_PAUSE_SECONDS):
            try:
                self._triton.ask(1)
                self._answered += 1
            except Exception as error:  # whatever the client raises, the request failed
                self._problems.append(f"a request to version 1 failed: {error}")
            if not self._triton.is_ready():
                self._problems.append("Triton was not ready")

    def stop(self) -> int:
        """How many requests were answered; raises Unsafe if one failed or Triton was not ready in between."""
        time.sleep(0.2)
        self._stopped.set()
        self.join()
        if self._problems:
            raise Unsafe(f"{self._problems[0]} (and {len(self._problems) - 1} more)")
        return self._answered


def check(triton: Triton) -> str:
    """Loads and drops version 2 under requests to version 1. Returns what was shown; raises Unsafe."""
    triton.write_model()
    triton.load(1)
    requests = Requests(triton)
    requests.start()
    triton.load(1, 2)
    if triton.ask(2) != (-ROWS[0]).tolist() or triton.ask(1) != ROWS[0].tolist():
        raise Unsafe("versions 1 and 2 do not both give their own answers")
    triton.load(1)
    answered = requests.stop() + 1
    if triton.count(1) != answered:
        raise Unsafe(f"version 1 gave {answered} answers, its statistics say {triton.count(1)}: it was started again")
    return (
        f"Version 2 came and went, {answered} requests to version 1 meanwhile: none failed, it was not started again."
    )


def check_the_statistics(triton: Triton) -> None:
    """Raises Unsafe when Triton's statistics would not show a restart, because then `check` shows nothing.

    A new file in the model's folder makes Triton restart every version.
    """
    (triton.folder / "labels.txt").write_text("")
    before = triton.count(1)
    triton.load(1, 2)
    if triton.count(1) >= before:
        raise Unsafe("its statistics do not show when a version is started again, so nothing is proved")


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 when canaries are safe on this Triton; 1 when not, or when it did not get ready."""
    given = _parser().parse_args(arguments)
    triton = Triton(given.source, given.repository, given.kind, given.address)
    until = time.monotonic() + START_SECONDS
    while not triton.is_ready():
        if time.monotonic() > until:
            print(f"Triton is not ready after {START_SECONDS} s; read its log for the reason", file=sys.stderr)
            return 1
        time.sleep(0.5)
    try:
        shown = check(triton)
        check_the_statistics(triton)
    except Unsafe as seen:
        print(f"{UNSAFE}: {seen}", file=sys.stderr)
        return 1
    print(shown)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m replica_agent.check_loading", description=__doc__)
    parser.add_argument("source", type=Path, help="a folder with config.pbtxt, 1.onnx and 2.onnx")
    parser.add_argument("repository", type=Path, help="Triton's --model-repository, empty and writable")
    parser.add_argument("kind", choices=["KIND_GPU", "KIND_CPU"], help="where Triton runs its instances")
    parser.add_argument("--address", default="127.0.0.1", help="Triton's; default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
