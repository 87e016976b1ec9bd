"""The operator's spans on their way to a collector: what is not taken is counted, and no release waits for it."""

import subprocess
import sys
from collections import Counter

import pytest
from rollout_operator.edge.release_traces import ReleaseTraces
from rollout_operator.metrics import Metrics
from rollout_operator.settings import InvalidSettings, read_settings

from tests.unit.rollout.edge.fake_cluster import FakeCluster

NOBODY = "http://127.0.0.1:9"


async def test_a_collector_that_is_away_holds_up_no_release() -> None:
    counted: Counter[str] = Counter()

    def count(result: str, spans: int) -> None:
        counted[result] += spans

    traces = ReleaseTraces(NOBODY, count)
    traces.start()
    world = await FakeCluster(traces=traces).run_until("Healthy")
    await world.tick()
    await traces.stop()
    trace = world.status["history"][-1]["trace"]
    assert (len(trace["id"]), len(trace["rootSpanId"]), trace["sent"]) == (32, 16, 0) and trace["endedAt"]
    assert counted == {"dropped": 3}


def test_what_became_of_spans_is_a_metric_from_the_start() -> None:
    metrics = Metrics()
    metrics.count_spans("dropped", 3)
    name = "medinfer_operator_trace_spans_total"
    values = {one: metrics.registry.get_sample_value(name, {"result": one}) for one in ("sent", "refused", "dropped")}
    assert values == {"sent": 0, "refused": 0, "dropped": 3}


def test_off_nothing_of_it_is_imported() -> None:
    code = "import sys, rollout_operator.main; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("endpoint", ["collector:4318", "http://user:secret@collector:4318", "ftp://collector"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidSettings, match="MEDINFER_OPERATOR_TRACING_ENDPOINT: must be an OTLP/HTTP endpoint"):
        read_settings(namespace="medinfer", tracing_endpoint=endpoint)
