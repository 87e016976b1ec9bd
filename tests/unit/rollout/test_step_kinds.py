"""A step kind is one class in one file; everything else asks it, and never which kind it is."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import kubectl_modelrollout
import pytest
import rollout_operator
from rollout_operator.documents import step_kinds
from rollout_operator.documents.step_kinds import Step, StepKind, StepState
from rollout_operator.documents.wait import Wait

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.specs import STEPS
from tests.unit.rollout.test_crd import SCHEMA

PACKAGES = tuple(Path(module.__path__[0]) for module in (rollout_operator, kubectl_modelrollout))
MEMBERS = frozenset(one.name for one in fields(Step))
KINDS = frozenset(
    name
    for name, value in vars(step_kinds).items()
    if isinstance(value, type) and issubclass(value, StepKind) and value is not StepKind
)
STEPS_ARE_CALLED = frozenset({"step", "steps", "traffic", "kind", "gate", "pause"})


@dataclass(frozen=True)
class NightKind(StepKind):
    def wait(self, state: StepState) -> Wait | None:
        return Wait("AwaitingNight", "waits for the night") if state.seconds < 3 else None

    def stops_the_clock(self, state: StepState) -> bool:
        return True

    def __str__(self) -> str:
        return "night"


@dataclass(frozen=True)
class NightStep(Step):
    """A kind that no other file has heard of."""

    @property
    def kind(self) -> StepKind:
        return NightKind()

    def __str__(self) -> str:
        return str(self.kind)


def kind_questions(source: str) -> Iterator[str]:
    """Where a module asks which kind a step is: names of kinds, and members of a step."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in KINDS:
            yield f"{node.lineno}: {node.id}"
        if isinstance(node, ast.alias) and node.name in KINDS:
            yield f"{node.lineno}: imports {node.name}"
        if isinstance(node, ast.Attribute) and node.attr in MEMBERS and _may_be_a_step(node):
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.keyword) and node.arg == "set_weight":
            yield f"{node.lineno}: {node.arg}="


def _may_be_a_step(node: ast.Attribute) -> bool:
    """No other value has a set_weight or a pause; an approval has a gate, and counters have a shadow."""
    if node.attr in ("set_weight", "pause"):
        return True
    base: ast.AST = node.value
    while isinstance(base, (ast.Subscript, ast.Call)):
        base = base.value if isinstance(base, ast.Subscript) else base.func
    name = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
    return name in STEPS_ARE_CALLED or name in ("traffic_at", "Step")


def test_no_other_module_asks_which_kind_a_step_is() -> None:
    modules = [path for package in PACKAGES for path in package.rglob("*.py") if path.name != "step_kinds.py"]
    assert len(modules) > 50 and len(KINDS) == len(MEMBERS) == 4
    found = {path.name: list(kind_questions(path.read_text())) for path in modules}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "s.step.gate",
        "step.pause",
        "traffic_at(steps, 1).shadow",
        "spec.steps[0].gate",
        "one.set_weight",
        "GateStep('x')",
    ],
)
def test_the_search_finds_it(source: str) -> None:
    assert list(kind_questions(source))


def test_a_kind_that_no_other_file_knows_is_waited_for_and_ends() -> None:
    made = release(cluster())
    made.edit(strategy=replace(made.spec.strategy, steps=(NightStep(), *STEPS[2:])))
    while made.reasons[-1] != "StepStarted":
        made.tick()
    made.tick()
    assert made.status["message"] == "v2 at 0 %, step 1/6; waits for the night"
    assert made.status["progress"]["stopped"] is True
    made.run_until("Healthy")


@pytest.mark.parametrize("field", ["attempt", "history"])
def test_every_member_has_a_place_in_the_status(field: str) -> None:
    """A property that the CRD does not have is pruned by the API server without a word."""
    schema = SCHEMA["status"]["properties"][field]
    evidence: dict[str, Any] = schema.get("items", schema)["properties"]["steps"]["items"]["properties"]
    wanted = SCHEMA["spec"]["properties"]["strategy"]["properties"]["steps"]["items"]["properties"]
    for name in ("step", "traffic"):
        assert evidence[name]["properties"].keys() == wanted.keys()
        for member, schema in wanted.items():
            kept = evidence[name]["properties"][member]
            assert kept.get("properties", {}).keys() == schema.get("properties", {}).keys()
