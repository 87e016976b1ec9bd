"""When the agent looks for a signature, and that nothing waits for it."""

from typing import Any

import pytest
from replica_agent.actions import FindSignature, Load
from replica_agent.decide import decide, find_signature
from replica_agent.state import Signature

from tests.unit.agent.observations import digest, plan, release, see

UNSIGNED, SIGNED = Signature(problem="nobody signed it"), Signature("models team", "ab")


@pytest.mark.parametrize(
    ("seen", "is_looked_for"),
    [
        pytest.param({"cached": (2,)}, True, id="on-disk"),
        pytest.param({"installed": (2,)}, True, id="unpacked"),
        pytest.param({"warm": (2,)}, True, id="in-service"),
        pytest.param({}, False, id="not-fetched-yet"),
        pytest.param({"cached": (2,), "signatures": {digest(2): SIGNED}}, False, id="found-already"),
        pytest.param({"cached": (2,), "signatures": {}}, False, id="not-verified-here"),
        pytest.param({"cached": (2,), "signatures_due": frozenset()}, False, id="asked-a-moment-ago"),
        pytest.param({"cached": (2,), "jobs": frozenset({FindSignature(release(2))})}, False, id="being-looked-for"),
    ],
)
def test_a_signature_that_is_not_good_is_looked_for(seen: dict[str, Any], is_looked_for: bool) -> None:
    verified = {"signatures": {digest(2): UNSIGNED}, "signatures_due": frozenset({digest(2)})}
    action = find_signature(see(plan(stable=2), **(verified | seen)))
    assert action == (FindSignature(release(2)) if is_looked_for else None)


def test_nothing_waits_for_it() -> None:
    looking = frozenset({FindSignature(release(1))})
    assert decide(see(plan(stable=1, canary=2), warm=(1,), installed=(2,), jobs=looking)) == Load(release(2), (1, 2))
