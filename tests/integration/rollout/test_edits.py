"""Edits that people make while a release is under way, or after it: each under load, with no failed request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.stack.documents import artifact
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import repack
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import NAME, RolloutStack
from tests.integration.rollout.canary_at_half import (
    QUICK,
    SHORT,
    bring_halfway,
    loads,
    most_loaded,
    wait_until_planned,
)

pytestmark = pytest.mark.integration

THIRD = 15
YOUNGER = "a-second-rollout"


@pytest.fixture
def stack(namespace: Namespace, bundles: Path, tmp_path: Path) -> Iterator[RolloutStack]:
    stack = RolloutStack(namespace, bundles, tmp_path, subnet=70)
    try:
        yield stack
    finally:
        stack.stop()


def test_another_version_mid_canary_and_a_new_release_in_the_keep_window(
    stack: RolloutStack, images: list[bytes], tmp_path: Path
) -> None:
    stack.make_version(THIRD)
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2, THIRD)) as load:
        bring_halfway(stack, load, 2)
        stack.apply(1, analysis=QUICK)
        stack.wait_for_ready(1)
        load.mark("reverted")
        assert attempts(stack)[-1] == (2, "Aborted")
        wait_until_planned(stack, {"stable": 1})
        load.wait_until_answered(100)
        load.mark("again")

        bring_halfway(stack, load, 2)
        stack.apply(THIRD, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(THIRD)
        assert attempts(stack)[-2:] == [(2, "Aborted"), (THIRD, "Promoted")]
        wait_until_planned(stack, {"stable": THIRD, "previous": 1})

        stack.apply(2, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(2)
        wait_until_planned(stack, {"stable": 2, "previous": THIRD})
        load.mark("second")

        other = artifact(repack(stack.bundle(1), tmp_path / "other", version=THIRD))
        stack.apply(THIRD, artifact={"uri": other["uri"], "digest": other["digest"]}, analysis=QUICK)
        stack.namespace.wait_for_phase(NAME, "Blocked")
        assert stack.condition("Stalled")["reason"] == "VersionReused"
        assert "give other bytes another version number" in stack.condition("Ready")["message"]
        load.wait_until_answered(100)
        stack.apply(2, analysis=QUICK)
        stack.wait_for_ready(2)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("reverted", "again").by_version().keys() == {1}
    assert result.between("second").by_version().keys() == {2}
    events = stack.events()
    dropped = events.index("PreviousDropped: v1 makes room for v2")
    assert dropped < last_index(events, "Started: v2")
    assert [most_loaded(pod) for pod in stack.tritons.values()] == [2, 2]


def test_the_line_reverted_after_promotion(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        stack.apply(2, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(2)
        load.wait_until_answered(60)
        before = loads(stack)
        stack.apply(1, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(1)
        assert loads(stack) == before
        load.mark("reverted at once")
        load.wait_until_answered(60)
        load.mark("forward again")
        within = stack.events()

        stack.apply(2, steps=SHORT, analysis=QUICK, strategy={"keepPreviousSeconds": 1})
        stack.wait_for_ready(2)
        stack.namespace.wait_for_rollout(NAME, lambda body: "previous" not in body["status"], "dropped the previous")
        wait_until(lambda: all(stack.loaded(pod) == {2} for pod in stack.tritons.values()), "version 1 is unloaded")
        load.mark("dropped")
        load.wait_until_answered(60)
        load.mark("reverted late")
        stack.apply(1, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(1)
        load.mark("back")
        load.wait_until_answered(60)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("reverted at once", "forward again").by_version().keys() == {1}
    assert result.between("dropped", "reverted late").by_version().keys() == {2}
    assert result.between("back").by_version().keys() == {1}
    assert within[-2].startswith("Promoted: back to v1 at once")
    late = stack.events()[len(within) :]
    assert any(event.startswith("PreviousDropped: v1 was kept warm") for event in late)
    assert any(event.startswith("Started: v1 is loaded alongside v2") for event in late), (
        "it is loaded and proved again"
    )
    assert any(event.startswith("StepStarted") for event in late), "after the keep window it takes the steps again"


def test_two_rollouts_for_one_server(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        bring_halfway(stack, load, 2)
        stack.apply(1, name=YOUNGER, steps=SHORT, analysis=QUICK)
        stack.namespace.wait_for_phase(YOUNGER, "Blocked")
        stalled = stack.condition("Stalled", YOUNGER)
        assert stalled["reason"] == "Conflict"
        assert f"ModelRollout {NAME} is older" in stalled["message"]
        load.wait_until_answered(60)
        assert stack.weight() == 50, "the older goes on undisturbed"
        stack.apply(2, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(2)
        load.mark("promoted")
        load.wait_until_answered(100)
        load.mark("deleted")
        assert stack.namespace.phase(YOUNGER) == "Blocked"
        stack.namespace.delete_rollout(NAME)
        stack.namespace.wait_for_phase(YOUNGER, "Healthy", timeout_seconds=150)
        wait_until_planned(stack, {"stable": 1, "previous": 2})
        load.mark("taken over")
        load.wait_until_answered(60)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("promoted", "deleted").by_version().keys() == {2}
    assert result.between("taken over").by_version().keys() == {1}
    reasons = stack.namespace.reasons(YOUNGER)
    assert reasons[0] == "Conflict"
    assert reasons[1] == "Adopted", "the younger takes over what is in service, once it is the only one"


def attempts(stack: RolloutStack) -> list[tuple[int, str]]:
    """(version, outcome), oldest first."""
    return [(one["release"]["version"], one["outcome"]) for one in stack.status()["history"]]


def last_index(lines: list[str], start: str) -> int:
    return max(index for index, line in enumerate(lines) if line.startswith(start))
