"""Someone who asks one version of one replica all the time, and remembers every answer that was not right."""

import threading
import time
from pathlib import Path
from typing import Self

import numpy as np
import tritonclient.grpc as grpcclient
from modelctl.bundle.golden import softmax

from ci.stack.replica import Replica
from tests.harness.hostile.repack import take_apart

PAUSE_SECONDS = 0.02


class Patients:
    """Asks `bundle`'s version from __enter__ to __exit__; `failures` holds what went wrong, `latencies_ms` the rest."""

    def __init__(self, replica: Replica, bundle: Path) -> None:
        parts = take_apart(bundle)
        self._address, self._version = f"{replica.address}:8001", str(parts.version)
        self._input, self._expected = parts.golden.inputs[:1], parts.golden.probabilities[:1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failures: list[str] = []
        self.latencies_ms: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with grpcclient.InferenceServerClient(self._address) as client:
            while not self._stop.wait(PAUSE_SECONDS):
                started = time.monotonic()
                try:
                    self._ask(client)
                except Exception as error:
                    self.failures.append(str(error))
                self.latencies_ms.append(1000 * (time.monotonic() - started))

    def _ask(self, client: grpcclient.InferenceServerClient) -> None:
        tensor = grpcclient.InferInput("input", self._input.shape, "FP32")
        tensor.set_data_from_numpy(self._input)
        answer = client.infer("resnet_medical", [tensor], self._version, client_timeout=10)
        probabilities = softmax(answer.as_numpy("output"))
        if not np.allclose(probabilities, self._expected, atol=0.02):
            self.failures.append(f"wrong answer {probabilities}")
