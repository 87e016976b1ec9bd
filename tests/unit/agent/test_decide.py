"""The rules as a table: situations, and the action that follows from each."""

from dataclasses import replace
from typing import Any

import pytest
from replica_agent.actions import Action, Cancel, Discard, Drop, Fail, Fetch, Install, Load, Pin, Prove, TryAgain, Wait
from replica_agent.decide import decide
from replica_agent.observation import Installed, Observation
from replica_agent.state import IndexState, Reason

from tests.unit.agent.observations import FACTS, digest, failure, plan, release, see
from tests.unit.agent.plans import artifact

STABLE = plan(stable=1)
CANARY = plan(stable=1, canary=2)
FIRST = plan(canary=1)
PROMOTED = plan(stable=2, previous=1)
OTHER_CONFIG = replace(FACTS, config_sha256="d", memory_bytes=1)
READY, LOADING, UNLOADING = IndexState.READY, IndexState.LOADING, IndexState.UNLOADING


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(see(None), Wait(), id="no-plan-waits"),
        pytest.param(see(STABLE, warm=(1,)), None, id="stable-warm-nothing-to-do"),
        pytest.param(see(CANARY, warm=(1, 2)), None, id="both-warm-nothing-to-do"),
        pytest.param(see(PROMOTED, warm=(1, 2)), None, id="promoted-nothing-to-do"),
        # A first install, step by step
        pytest.param(see(FIRST, index=None), Fetch(release(1)), id="fetches-before-triton-is-up"),
        pytest.param(see(FIRST, cached=(1,), index=None), Wait(), id="waits-for-triton"),
        pytest.param(see(FIRST, cached=(1,)), Install(release(1)), id="unpacks"),
        pytest.param(see(FIRST, installed=(1,), pinned=None), Pin(1), id="pins-config-to-the-only-canary"),
        pytest.param(see(FIRST, installed=(1,)), Load(release(1), (1,)), id="loads"),
        pytest.param(see(FIRST, loaded=(1,)), Prove(release(1), paced=False), id="proves-unpaced-when-alone"),
        # A canary
        pytest.param(see(CANARY, warm=(1,)), Fetch(release(2)), id="canary-fetched-beside-stable"),
        pytest.param(see(CANARY, warm=(1,), installed=(2,)), Load(release(2), (1, 2)), id="canary-joins-the-policy"),
        pytest.param(see(CANARY, warm=(1,), loaded=(2,)), Prove(release(2), paced=True), id="canary-proves-paced"),
        pytest.param(
            see(CANARY, loaded=(1,), installed=(2,)), Prove(release(1), paced=False), id="stable-proves-first"
        ),
        pytest.param(see(CANARY, installed=(1, 2)), Load(release(1), (1,)), id="after-a-restart-stable-loads-alone"),
        pytest.param(see(CANARY, cached=(2,), jobs=frozenset({Fetch(release(1))})), None, id="canary-waits-for-stable"),
        pytest.param(see(CANARY, loaded=(1, 2)), Prove(release(1), paced=True), id="adopted-versions-prove-paced"),
        pytest.param(
            see(STABLE, loaded=(1,), loaded_here=frozenset()), Prove(release(1), paced=True), id="adopted-alone-paced"
        ),
        pytest.param(
            see(plan(stable=1, canary=artifact(2) | {"replicas": []}), warm=(1,)), None, id="canary-of-others"
        ),
        # Promotion
        pytest.param(see(PROMOTED, warm=(1, 2), pinned=1), Pin(2), id="promotion-pins-the-new-stable"),
        pytest.param(see(PROMOTED, warm=(2,), installed=(1,)), Load(release(1), (1, 2)), id="previous-comes-back"),
        # Busy
        pytest.param(see(CANARY, warm=(1,), installed=(2,), index={1: READY, 2: LOADING}), Wait(), id="loading-waits"),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), jobs=frozenset({Load(release(2), (1, 2))})), Wait(), id="job-waits"
        ),
        pytest.param(see(CANARY, warm=(1,), installed=(2,), paused=True), Wait(), id="paused-waits"),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2, 3), index={1: READY, 3: UNLOADING}),
            None,
            id="third-waits-for-the-way-out",
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2, 3), index={1: READY, 3: UNLOADING}, stuck=frozenset({3})),
            Load(release(2), (1, 2)),
            id="but-not-for-ever",
        ),
    ],
)
def test_the_way_in(seen: Observation, expected: Action | None) -> None:
    assert decide(seen) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(see(STABLE, warm=(1, 2)), Drop((1,)), id="dropped-from-the-plan"),
        pytest.param(see(STABLE, warm=(1, 2), live=False), None, id="never-on-a-plan-from-disk"),
        pytest.param(see(STABLE, warm=(1,), loaded=(2,), index=None), Wait(), id="not-while-triton-is-away"),
        pytest.param(
            see(STABLE, loaded=(1, 2), proofs={2: 0}), Prove(release(1), paced=True), id="not-before-stable-is-warm"
        ),
        pytest.param(see(plan(stable=3), warm=(1,)), Fetch(release(3)), id="last-warm-stays-while-stable-comes"),
        pytest.param(
            see(plan(stable=3), warm=(1,), installed=(3,)), Load(release(3), (1, 3)), id="last-warm-stays-in-the-policy"
        ),
        pytest.param(see(plan(stable=3), warm=(1, 3)), Drop((3,)), id="last-warm-goes-when-stable-is-warm"),
        pytest.param(see(plan(stable=3), warm=(1, 2), pinned=1), Fetch(release(3)), id="room-is-made-after-the-fetch"),
        pytest.param(see(plan(stable=3), warm=(1, 2), cached=(3,), pinned=1), Drop((1,)), id="pinned-one-is-kept"),
        pytest.param(
            see(plan(stable=3), loaded=(2,), warm=(1,), cached=(3,), pinned=2), Drop((1,)), id="warm-one-is-kept"
        ),
        pytest.param(see(STABLE, warm=(1,), installed=(2,)), Discard(versions=(2,)), id="folder-goes-once-unloaded"),
        pytest.param(
            see(STABLE, warm=(1,), installed=(2,), index={1: READY, 2: UNLOADING}),
            None,
            id="folder-stays-while-unloading",
        ),
        pytest.param(see(STABLE, warm=(1,), installed=(2,), live=False), None, id="folder-stays-on-a-plan-from-disk"),
        pytest.param(see(STABLE, warm=(1,), cached=(2,)), Discard(digests=(digest(2),)), id="bundle-goes"),
        pytest.param(
            see(plan(stable=3), warm=(1,), cached=(3,), failed={3: failure(Reason.LOAD_FAILED, 9)}),
            None,
            id="bundle-of-a-kept-version-stays",
        ),
        pytest.param(
            see(STABLE, warm=(1,), jobs=frozenset({Fetch(release(2))})), Cancel(Fetch(release(2))), id="fetch-cancelled"
        ),
        pytest.param(
            see(STABLE, warm=(1,), loaded=(2,), jobs=frozenset({Prove(release(2), True)})),
            Cancel(Prove(release(2), True)),
            id="proof-cancelled",
        ),
        pytest.param(
            see(STABLE, warm=(1,), installed=(2,), jobs=frozenset({Load(release(2), (1, 2))})),
            Wait(),
            id="a-load-cannot-be-cancelled",
        ),
    ],
)
def test_the_way_out(seen: Observation, expected: Action | None) -> None:
    assert decide(seen) == expected


def fail(version: int, reason: Reason, message: str) -> Fail:
    return Fail(release(version), reason, message)


def other(seen: Observation, version: int, **changes: Any) -> Observation:
    """The same with another config or other bytes under a version number."""
    installed = replace(seen.installed[version], **changes)
    return replace(seen, installed={**seen.installed, version: installed})


GOLDEN = failure(Reason.GOLDEN_MISMATCH)
DIED = "Triton died in both tries, while version 2 was loaded or warmed"
CHANGED = "its config.pbtxt differs from that of version 1, which is loaded; pack it with that one"
REUSED = "version 1 is loaded here with other bytes; give the new bytes a new version number"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(see(CANARY, warm=(1,), failed={2: failure(Reason.DIGEST_MISMATCH)}), None, id="not-fetched-again"),
        pytest.param(
            see(CANARY, warm=(1,), failed={2: failure(Reason.FETCH_FAILED, 10)}, now_seconds=9), None, id="not-yet"
        ),
        pytest.param(
            see(CANARY, warm=(1,), failed={2: failure(Reason.FETCH_FAILED, 10)}, now_seconds=10),
            Fetch(release(2)),
            id="fetched-again-in-time",
        ),
        pytest.param(see(CANARY, warm=(1,), cached=(2,), failed={2: GOLDEN}), None, id="not-loaded-again"),
        pytest.param(
            see(CANARY, warm=(1,), loaded=(2,), failed={2: GOLDEN}), Drop((1,)), id="wrong-answers-are-dropped"
        ),
        pytest.param(
            see(CANARY, warm=(1,), loaded=(2,), failed={2: failure(Reason.LOAD_TIMEOUT, 10)}),
            None,
            id="late-but-loaded-is-not-dropped",
        ),
        pytest.param(see(FIRST, loaded=(1,), failed={1: GOLDEN}), None, id="alone-it-cannot-be-dropped"),
        pytest.param(
            see(plan(canary=2), loaded=(1,), cached=(2,)), Install(release(2)), id="the-next-first-canary-comes"
        ),
        pytest.param(
            see(STABLE, loaded=(1,), failed={1: failure(Reason.GOLDEN_MISMATCH, 5)}), None, id="bad-stable-stays-loaded"
        ),
        pytest.param(
            see(STABLE, loaded=(1,), failed={1: failure(Reason.GOLDEN_MISMATCH, 5)}, now_seconds=5),
            Prove(release(1), paced=False),
            id="bad-stable-is-tried-again",
        ),
        pytest.param(
            see(STABLE, failed={1: failure(Reason.DIGEST_MISMATCH)}), Fetch(release(1)), id="promoted-as-failed"
        ),
        pytest.param(
            see(CANARY, installed=(1, 2), failed={1: failure(Reason.LOAD_FAILED, 5)}),
            None,
            id="no-canary-without-stable",
        ),
        pytest.param(
            see(PROMOTED, installed=(1, 2), failed={2: failure(Reason.LOAD_FAILED, 5)}),
            Load(release(1), (1,)),
            id="previous-without-stable",
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), open_attempts=(2,)), TryAgain(release(2)), id="one-death-is-chance"
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), deaths={2: 1}), Load(release(2), (1, 2)), id="the-second-try"
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), open_attempts=(2,), deaths={2: 1}),
            fail(2, Reason.TRITON_DIED, DIED),
            id="blamed-for-the-second",
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), open_attempts=(2,), deaths={1: 1}),
            TryAgain(release(2)),
            id="not-blamed-for-another-version's",
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), failed={2: failure(Reason.TRITON_DIED)}, deaths={2: 1}),
            None,
            id="no-third-try",
        ),
        pytest.param(
            see(CANARY, installed=(1, 2), open_attempts=(2,), index=None), Wait(), id="blamed-once-triton-is-back"
        ),
        pytest.param(
            see(CANARY, warm=(1,), loaded=(2,), open_attempts=(2,)),
            Prove(release(2), paced=True),
            id="not-blamed-if-loaded",
        ),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), open_attempts=(2,), index={1: READY, 2: LOADING}),
            Wait(),
            id="not-blamed-while-loading",
        ),
        pytest.param(
            other(see(CANARY, warm=(1,), installed=(2,)), 2, facts=OTHER_CONFIG),
            fail(2, Reason.CONFIG_CHANGED, CHANGED),
            id="changed-config",
        ),
        pytest.param(
            replace(see(CANARY, warm=(1,)), bundles={digest(1): FACTS, digest(2): OTHER_CONFIG}),
            fail(2, Reason.CONFIG_CHANGED, CHANGED),
            id="changed-config-is-not-even-unpacked",
        ),
        pytest.param(
            other(see(FIRST, cached=(1,), installed=(2,), live=False), 2, facts=OTHER_CONFIG),
            Install(release(1)),
            id="changed-config-with-nothing-loaded-is-none",
        ),
        pytest.param(
            replace(
                see(STABLE, cached=(1,)),
                installed={1: Installed(digest(9), FACTS)},
                index={1: READY},
                proofs={},
            ),
            fail(1, Reason.VERSION_REUSED, REUSED),
            id="loaded-bytes-are-never-replaced",
        ),
        pytest.param(
            replace(see(STABLE, cached=(1,)), installed={1: Installed(digest(9), FACTS)}),
            Discard(versions=(1,)),
            id="bytes-that-are-not-loaded-are",
        ),
    ],
)
def test_failures(seen: Observation, expected: Action | None) -> None:
    assert decide(seen) == expected


def test_at_most_two_versions_are_loaded() -> None:
    three = plan(stable=2, canary=3, previous=1)
    assert decide(see(three, warm=(1, 2), installed=(3,))) is None
    assert decide(see(three, warm=(2,), installed=(1, 3))) == Load(release(3), (2, 3))
