"""The list of approvers: what is wrong in it is named by its entry."""

import re

import pytest
from rollout_operator.approvals.approvers import parse_approvers

from tests.unit.rollout.approvals.signers import APPROVERS, GATE, JANE, PLACE, TOM, listed


def test_who_may_open_what() -> None:
    assert (APPROVERS.problem, APPROVERS.of_gate(GATE), APPROVERS.of_gate("other")) == ("", ("jane",), ())
    assert listed((JANE, "*"), (TOM, "ethics")).of_gate("ethics") == ("jane", "tom")


ENTRY = f"{{name: jane, keys: ['{JANE.public}'], gates: [a]}}"
BAD = [
    pytest.param(None, "does not exist, or has no key approvers.yaml; create it", id="absent"),
    pytest.param("approvers: [", "approvers.yaml is no YAML", id="no-yaml"),
    pytest.param("a: !!python/object:os.system {}", "approvers.yaml is no YAML", id="code"),
    pytest.param("[]", "write a list approvers:", id="no-object"),
    pytest.param("approvers: []", "write a list approvers:", id="nobody"),
    pytest.param("approvers: [jane]", "approvers[0]: write name, keys and gates", id="text"),
    pytest.param("approvers: [{keys: [a], gates: [b]}]", "approvers[0]: name must be", id="no-name"),
    pytest.param("approvers: [{name: jane, gates: [b]}]", "approvers[0] (jane): keys must be a list", id="no-keys"),
    pytest.param(
        f"approvers: [{{name: jane, keys: ['{JANE.public}'], gates: []}}]",
        "approvers[0] (jane): gates must be a list",
        id="no-gates",
    ),
    pytest.param(
        f"approvers: [{ENTRY[:-1]}, gate: b}}]", "approvers[0] (jane): gate is no field; there are name", id="typo"
    ),
    pytest.param(
        f"approvers: [{ENTRY}, {{name: tom, keys: ['ssh-dss AAAA'], gates: [b]}}]",
        "approvers[1] (tom): keys[0] must begin with one of ssh-ed25519",
        id="bad-key",
    ),
    pytest.param(f"approvers: [{ENTRY}, {ENTRY}]", "approvers[1] (jane): two entries have this name", id="twice"),
    pytest.param(
        f"approvers: [{ENTRY}, {ENTRY.replace('jane', 'tom', 1)}]", "(tom): the key SHA256:", id="one-key-of-two"
    ),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_what_is_wrong_is_named(text: str | None, why: str) -> None:
    found = parse_approvers(text, PLACE)
    assert not found.everybody and re.match(rf"{PLACE}.*{re.escape(why)}", found.problem), found.problem
