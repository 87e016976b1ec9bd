"""What `status` shows, of each situation."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.rollout import parse_rollout
from kubectl_modelrollout.status_view import render_status
from rollout_operator.documents.spec import OnFailure
from rollout_operator.documents.step_kinds import GateStep, PauseStep, ShadowStep, Step

from tests.unit.kubectl.rollouts import (
    PLAIN,
    at_the_gate,
    body,
    healthy,
    lines,
    mid_canary,
    permuted,
    rollout,
    shown,
    slow,
    wrong,
)
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            at_the_gate,
            [
                "resnet-medical in clinic: Paused",
                "stable v1 sha256:000000000000 100 % ████████████████████",
                "canary v2 sha256:000000000000 0 % ░░░░░░░░░░░░░░░░░░░░",
                "✓ 1 shadow 50 % took 2s 120 compared, 100.0 % agree",
                "▶ 2 gate clinical-signoff for 1s waits for an approval",
                "3 setWeight 5",
                "REPLICAS 2/2 warm",
                "triton-1 v2 Warm 5.0 ms 7.0 ms 32/32",
                "disagreement on Pituitary 0.00 % at most 10.00 % 24 passed",
                "disagreement on No Tumor - - 12 not judged: too few",
                "Ready Unknown AwaitingApproval for 7s",
                "See what was measured: kubectl modelrollout report resnet-medical -n clinic",
                "Approve it in git: kubectl modelrollout approve resnet-medical -n clinic --gate clinical-signoff "
                "--by WHO",
                "Take it back in git: kubectl modelrollout abort resnet-medical -n clinic",
            ],
            id="at-a-gate",
        ),
        pytest.param(
            mid_canary,
            [
                "resnet-medical in clinic: Progressing",
                "v2 at 5 %, step 4/7; pause, 2 s left",
                "stable v1 sha256:000000000000 95 % ███████████████████░",
                "canary v2 sha256:000000000000 5 % █░░░░░░░░░░░░░░░░░░░",
                "✓ 2 gate clinical-signoff took 1s approved by Dr. Roentgen (unverified)",
                "✓ 3 setWeight 5 took 1s 6 requests, none failed, p95 19.5 ms",
                "▶ 4 pause 5 s for 3s",
                "error rate 0.00 % at most 1.00 % 18 more samples must decide",
                "p95 latency of stable, now / before 1.00 at most 1.30 342 passed",
            ],
            id="mid-canary",
        ),
        pytest.param(
            permuted,
            [
                "resnet-medical in clinic: RolledBack",
                "v1 serves; v2 failed (AnalysisFailed)",
                "wanted v2 sha256:000000000000 not loaded",
                "✗ 1 shadow 50 % after 4s 240 compared, 60.0 % agree",
                "disagreement on Glioma 40.43 % at most 10.00 % 94 failed",
                "LAST FAILURE v2 RolledBack 3s ago",
                "AnalysisFailed at step 1/7: disagreement 40.00% (96 of 240), at most 5.00% allowed;",
                "disagreement on Glioma 40.43% (38 of 94), at most 10.00% allowed;",
                "Read the report (below), and release a better model as a new version; "
                "to try the same bytes again, write a new text in spec.retry.",
                "The evidence: kubectl modelrollout report resnet-medical -n clinic --version 2",
            ],
            id="permuted-labels",
        ),
        pytest.param(
            slow,
            [
                "✓ 3 setWeight 5 took 1s 6 requests, none failed, p95 78.0 ms",
                "✗ 4 pause 5 s after 6s 42 requests, none failed, p95 78.0 ms",
                "p95 latency, canary / stable 4.00 at most 1.50 42 failed",
            ],
            id="slow",
        ),
        pytest.param(
            healthy,
            [
                "resnet-medical in clinic: Healthy",
                "stable v2 sha256:000000000000 100 % ████████████████████",
                "previous v1 sha256:000000000000 kept warm",
                "v1 is kept warm until 1970-01-12T13:48:04Z. Until then a release of it takes effect at once.",
            ],
            id="healthy",
        ),
    ],
)
def test_each_situation_is_shown(made: Callable[[], Cluster], expected: list[str]) -> None:
    found = lines(shown(made()))
    assert [line for line in expected if line not in found] == []


@pytest.mark.parametrize(("made", "is_shown"), [(at_the_gate, True), (wrong, False), (healthy, False)])
def test_steps_are_shown_while_they_say_something(made: Callable[[], Cluster], is_shown: bool) -> None:
    assert ("STEPS" in shown(made())) is is_shown


def test_while_it_loads_all_steps_are_still_to_come() -> None:
    made = release(cluster()).run(2)
    assert "1 shadow 50 %" in lines(shown(made))


def test_edited_steps_are_marked_from_their_new_beginning() -> None:
    made = mid_canary()
    steps = (Step(shadow=ShadowStep(20, 50)), Step(gate=GateStep("ethics")), Step(pause=PauseStep(5)))
    made.edit(strategy=replace(made.spec.strategy, steps=(*steps, Step(set_weight=100))))
    made.run_until("Paused")
    found = [line for line in lines(shown(made)) if line.startswith(("✓", "▶"))]
    assert [line.split(" ", 4)[:3] for line in found] == [["✓", "1", "shadow"], ["▶", "2", "gate"]]


def test_what_is_held_stays_loaded() -> None:
    made = release(cluster(Behaviour(error_share=0.3)))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, on_failure=OnFailure.HOLD))
    found = shown(made.run_until("Held"))
    assert "v2 stays loaded until then" in found
    assert "canary  v2" in found


def test_a_replica_that_failed_says_why() -> None:
    made = release(cluster(Behaviour(fails="LoadTimeout"))).run(5)
    assert "triton-0 v2 Failed - - - LoadTimeout" in lines(shown(made))


def test_of_many_replicas_those_that_are_not_warm_are_shown_first() -> None:
    made = cluster(replicas=20)
    made.agents["triton-19"].up = False
    found = lines(shown(made.run(2)))
    assert "triton-19 v1 Unreachable - - -" in found
    assert "and 8 more" in found


def test_a_number_that_is_taken_needs_another() -> None:
    made = release(healthy(), bytes="b").run(3)
    found = lines(shown(made))
    assert "wanted v2 sha256:000000000000 not loaded" in found
    assert "Give these bytes a new version number." in found


def test_a_suspended_rollout_says_so() -> None:
    made = mid_canary()
    made.edit(suspend=True)
    assert "The rollout is suspended. Set spec.suspend to false to resume it." in shown(made.run(2))


def test_ready_is_of_the_newest_edit_only() -> None:
    seen = body(healthy())
    assert parse_rollout(seen).is_ready
    seen["metadata"]["generation"] += 1
    assert not parse_rollout(seen).is_ready
    assert "has not reconciled the newest edit" in render_status(parse_rollout(seen), 0, PLAIN)


@pytest.mark.parametrize("status", [None, {}])
def test_without_a_status_it_says_so(status: object) -> None:
    seen = parse_rollout(body(healthy()) | {"status": status})
    text = render_status(seen, 0, PLAIN)
    assert text.startswith("resnet-medical in clinic: no status yet; check that the operator runs\n")


def test_an_unusable_spec_is_shown_all_the_same() -> None:
    seen = parse_rollout(body(healthy()) | {"spec": {}})
    assert "stable" in render_status(seen, 0, PLAIN)


def test_a_status_of_another_release_is_refused() -> None:
    with pytest.raises(Problem, match=r"history.0.outcome.*install the plug-in that belongs to the operator"):
        seen = body(healthy())
        parse_rollout(seen | {"status": seen["status"] | {"history": [{"outcome": "Teleported"}]}})


def test_colours_change_nothing_but_colours() -> None:
    made = permuted()
    painted = render_status(rollout(made), int(made.now), Colors(True))
    assert "\x1b[31mRolledBack\x1b[0m" in painted
    bare = painted
    for code in (0, 1, 2, 31, 32, 33):
        bare = bare.replace(f"\x1b[{code}m", "")
    assert bare == shown(made)
