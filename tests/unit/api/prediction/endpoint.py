"""The endpoint on a fake Triton, with room for everything."""

import logging
import time

from inference_api.audit.audit import Audit
from inference_api.prediction.admission import Admission
from inference_api.prediction.dispatch import Dispatcher
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.predict import Limits, Predict
from inference_api.prediction.shadow import Shadow
from inference_api.prediction.uploads import Decoder
from inference_api.process.measurements import Measurements
from inference_api.process.sampled_log import SampledLog
from inference_api.quota.limiter import Limiter
from inference_api.routing.traffic import Traffic
from inference_api.transport.request_buffers import RequestBuffers

from tests.unit.api.prediction.fake_triton import FakeTriton


class Endpoint:
    """`predict` takes one image."""

    def __init__(
        self, triton: FakeTriton, traffic: Traffic, audit: Audit | None = None, limiter: Limiter | None = None
    ) -> None:
        dispatcher = Dispatcher(triton, traffic.replicas, 10, lambda: triton.now, triton.pause)
        self.shadow = Shadow(traffic, dispatcher, 5)
        memory = MemoryBudget(10**8)
        decoder = Decoder(10**6, 5, memory, RequestBuffers())
        limits, refusals = Limits(10**7, 10, True), SampledLog(logging.getLogger(__name__), time.monotonic)
        self.limiter = limiter or Limiter(1, lambda: triton.now)
        admission = Admission(traffic, memory, self.limiter)
        self.measurements = Measurements()
        self.predict = Predict(
            limits, refusals, admission, traffic, decoder, dispatcher, self.shadow, 1, self.measurements, audit
        )
