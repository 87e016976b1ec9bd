"""Writing an edit while others write."""

from collections.abc import Callable
from typing import Any

import pytest
from kubectl_modelrollout.apply import ATTEMPTS, apply
from kubectl_modelrollout.edits import approve
from kubectl_modelrollout.errors import Conflict, Problem
from kubectl_modelrollout.rollout import parse_rollout

from tests.unit.kubectl.rollouts import at_the_gate, body

Json = dict[str, Any]


class Server:
    """One ModelRollout; `meanwhile` happens after each time it is read."""

    def __init__(self, rollout: Json, meanwhile: Callable[[Json], None]) -> None:
        self.rollout, self._meanwhile = rollout, meanwhile

    def find_rollout(self, name: str | None) -> Json:
        found = {**self.rollout, "metadata": dict(self.rollout["metadata"])}
        self._meanwhile(self.rollout)
        return found

    def patch_rollout(self, name: str, change: Json) -> Json:
        if change["metadata"]["resourceVersion"] != self.rollout["metadata"]["resourceVersion"]:
            raise Conflict("written")
        self.rollout["spec"] |= change.get("spec", {})
        self.rollout["metadata"] |= change["metadata"]
        return {**self.rollout, "metadata": dict(self.rollout["metadata"])}


def status_writes(count: int) -> Callable[[Json], None]:
    """The first so many times."""
    left = iter(range(count))

    def write(rollout: Json) -> None:
        if next(left, None) is not None:
            rollout["metadata"]["resourceVersion"] += "0"

    return write


def edit_of_the_spec(rollout: Json) -> None:
    rollout["metadata"]["resourceVersion"] += "0"
    rollout["metadata"]["generation"] += 1


def another_object(rollout: Json) -> None:
    rollout["metadata"] |= {"resourceVersion": "9", "uid": "2"}


def written(meanwhile: Callable[[Json], None]) -> list[Json]:
    """The approvals then."""
    server = Server(body(at_the_gate()), meanwhile)
    seen = server.find_rollout(None)
    apply(server, seen, approve(parse_rollout(seen), "clinical-signoff", "Dr. Roentgen", 1))
    approvals: list[Json] = server.rollout["spec"]["approvals"]
    return approvals


@pytest.mark.parametrize("count", [0, 1, 5])
def test_status_writes_of_the_operator_do_not_hinder_it(count: int) -> None:
    assert [one["by"] for one in written(status_writes(count))] == ["Dr. Roentgen"]


@pytest.mark.parametrize("meanwhile", [edit_of_the_spec, another_object])
def test_who_edits_the_spec_in_between_is_not_overwritten(meanwhile: Callable[[Json], None]) -> None:
    with pytest.raises(Problem, match="somebody edited the ModelRollout meanwhile; check the edit"):
        written(meanwhile)


def test_it_does_not_try_for_ever() -> None:
    with pytest.raises(Problem, match="written by others during each of the attempts"):
        written(status_writes(ATTEMPTS + 1))
