"""One release is one trace in a real collector, a good one and a bad one: every step and every replica, once."""

import os
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import add
from pathlib import Path

import pytest

from ci.stack.documents import Json
from ci.stack.jaeger import Jaeger, Span
from ci.stack.waiting import wait_until
from tests.harness.rollout.rollouts import RolloutStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

WRONG_GOLDEN = 10
ON_REPLICA = ["fetch", "verify", "unpack", "verify files", "load", "golden", "warm-up"]
OF_OPERATOR = ["prepare", "shadow", "gate", "setWeight", "setWeight", "pause", "promote"]


def kill_the_operator(stack: RolloutStack) -> None:
    """It is started again, as its Deployment does."""
    operator = stack.operators[0]
    os.kill(operator.pid, signal.SIGKILL)
    operator.wait(10)
    operator.start()


def test_a_release_is_one_trace_across_a_killed_operator(
    stack: RolloutStack, images: list[bytes], tmp_path: Path
) -> None:
    with Jaeger(tmp_path / "jaeger", "127.0.60.240") as jaeger:
        stack.agent_environment["MEDINFER_AGENT_TRACING_ENDPOINT"] = jaeger.endpoint
        stack.operator_environment["TRACING_ENDPOINT"] = jaeger.endpoint
        stack.start()
        with stack.load(images, stack.expected(images, 1, 2)) as load:
            load.wait_until_answered(100)
            stack.apply(2, approve=False)
            stack.wait_for_phase("Verifying", "Loading", "Warming")
            kill_the_operator(stack)
            stack.wait_for_phase("Paused")
            kill_the_operator(stack)
            stack.apply(2)
            stack.wait_for_ready(2)
            assert load.finish(at_least=100).failed == 0
        stack.apply(WRONG_GOLDEN)
        stack.wait_for_phase("RolledBack")
        first, tried, bad = wait_until(lambda: sent_tries(stack), "the traces of all tries are sent", 60)
        check_what_was_rolled_back(jaeger.spans(bad["trace"]["id"]), bad)
        check_the_release(jaeger.spans(tried["trace"]["id"]), tried)
        check_the_first_install(jaeger.spans(first["trace"]["id"]), first)


def sent_tries(stack: RolloutStack) -> list[Json] | None:
    """All three, once all spans of the operator are sent: those of the steps, the root, and up to three around them."""
    tries: list[Json] = stack.status()["history"]
    sent = [one["trace"]["sent"] for one in tries]
    edits = ["editedAt" in tried["trace"] for tried in tries]
    return tries if sent == list(map(add, [3, len(OF_OPERATOR) + 1, 2], edits)) else None


def check_the_release(spans: Sequence[Span], tried: Json) -> None:
    root, steps, replicas = parts(spans, tried)
    assert [span.name for span in spans if "error.type" in span.attributes] == []
    assert Counter(span.name for span in steps) == Counter(OF_OPERATOR)
    assert root.attributes["medinfer.outcome"] == "Promoted"
    for name, made in replicas.items():
        assert Counter(span.name for span in made) == Counter(ON_REPLICA), f"{name}: each once"
    assert len(replicas) == 2
    shadow, gate = (next(span for span in steps if span.name == name) for name in ("shadow", "gate"))
    assert shadow.attributes["medinfer.verdict"] == "Passed"
    assert shadow.attributes["medinfer.shadow.agreed"] == shadow.attributes["medinfer.shadow.samples"] >= 60
    assert gate.attributes["medinfer.approved"] and gate.started_us >= shadow.started_us + shadow.duration_us
    assert [span.attributes["medinfer.weight_percent"] for span in steps if span.name == "setWeight"] == [10, 50]
    warm_up, golden = (next(span for span in spans if span.name == name) for name in ("warm-up", "golden"))
    assert warm_up.attributes["medinfer.p95_ms"] > 0
    assert golden.attributes["medinfer.golden.matched"] == golden.attributes["medinfer.golden.total"] > 0
    assert not [word for word in ("Roentgen", "file:", str(Path.cwd())) if word in repr(spans)]


def check_the_first_install(spans: Sequence[Span], tried: Json) -> None:
    """Every replica's work is in it, also that which ended after the first replica was warm."""
    _, steps, replicas = parts(spans, tried)
    assert [span.name for span in steps] == ["prepare", "promote"]
    assert {name: len(made) for name, made in replicas.items()} == dict.fromkeys(replicas, len(ON_REPLICA))
    assert len(replicas) == 2


def check_what_was_rolled_back(spans: Sequence[Span], tried: Json) -> None:
    """Which replica answered wrongly, and how often."""
    root, steps, _ = parts(spans, tried)
    assert (root.attributes["medinfer.outcome"], root.attributes["error.type"]) == ("RolledBack", "GoldenMismatch")
    assert [span.name for span in steps] == ["prepare"]
    failed = [span for span in spans if span.attributes.get("error.type") and span is not root]
    assert failed and {span.name for span in failed} == {"golden"}
    for span in failed:
        assert span.attributes["error.type"] == "GoldenMismatch"
        assert span.attributes["medinfer.golden.matched"] < span.attributes["medinfer.golden.total"]


def parts(spans: Sequence[Span], tried: Json) -> tuple[Span, list[Span], dict[str, list[Span]]]:
    """The root, the operator's other spans, and the agents' by replica: all children of the root, each id once."""
    (root,) = [span for span in spans if span.parent is None]
    assert (root.id, root.name, root.service) == (tried["trace"]["rootSpanId"], "release", "medinfer-operator")
    others = [span for span in spans if span is not root]
    assert {span.parent for span in others} == {root.id}
    assert len({span.id for span in spans}) == len(spans)
    assert {span.attributes["medinfer.version"] for span in spans} == {tried["release"]["version"]}
    replicas: dict[str, list[Span]] = {}
    for span in others:
        if span.service == "medinfer-agent":
            replicas.setdefault(span.attributes["medinfer.replica"], []).append(span)
    steps = [span for span in others if span.service == "medinfer-operator" and span.name != "notice"]
    check_the_edit(root, [span for span in others if span.name == "notice"], tried)
    return root, steps, replicas


def check_the_edit(root: Span, noticed: Sequence[Span], tried: Json) -> None:
    """The trace begins with it, unless the operator saw it in the same second."""
    edited_at = tried["trace"].get("editedAt")
    assert len(noticed) == bool(edited_at)
    began = datetime.fromisoformat(edited_at or tried["startedAt"]).timestamp()
    assert root.started_us == began * 1e6
