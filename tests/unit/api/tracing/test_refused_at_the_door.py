"""A request that is refused before the endpoint has a trace, too, and its log line names it."""

import logging

import pytest
from inference_api.tracing.sampler import Sampler
from inference_api.tracing.tracer import Tracer

from tests.unit.api.access.made_keys import key
from tests.unit.api.access.test_authentication import Door
from tests.unit.api.tracing.test_traced_requests import Sink


@pytest.mark.parametrize(("ratio", "traces"), [(1.0, 1), (0.0, 0)])
async def test_a_wrong_key(ratio: float, traces: int, caplog: pytest.LogCaptureFixture) -> None:
    """Not kept unless it was sampled: anybody can send as many as he likes."""
    door, sink = Door(), Sink()
    door.door = Tracer(Sampler(ratio, 1000, lambda: 0.0, lambda: None), sink).around(door.door, "/predict")
    with caplog.at_level(logging.INFO):
        assert await door.knock(key(3)) == 401
    assert [trace.root.error for trace in sink.traces] == ["bad-credentials"] * traces
    (line,) = caplog.records
    assert len(vars(line)["trace_id"]) == 32
    assert [trace.id for trace in sink.traces] == [vars(line)["trace_id"]] * traces
