"""values.yaml, its schema, its README and ci/ say the same."""

import json
from collections.abc import Iterator

import pytest
import yaml

from ci.chart import rollout_schema, values_table
from ci.chart.__main__ import SCHEMA
from ci.chart.values_table import VALUES, read_entries
from tests.harness.chart.helm import CHART, Json

ENTRIES = list(read_entries(VALUES.read_text()))
EVERYTHING = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
# Where another value than the default could not be shown: on already, or one of a kind.
KEPT = {
    "api.autoscaling.enabled",
    "api.podDisruptionBudget.enabled",
    "triton.gpu.enabled",
    "triton.podDisruptionBudget.enabled",
    "networkPolicy.enabled",
    "tests.loading",
}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=".".join(entry.path)) for entry in ENTRIES])
def test_every_value_has_a_comment(entry: values_table.Entry) -> None:
    assert entry.comment.endswith((".", "...")), f"{'.'.join(entry.path)}: write a sentence right above it"


def test_the_readme_has_the_table() -> None:
    readme = values_table.README.read_text()
    assert values_table.with_table(readme) == readme, "run make chart-docs"


def test_the_schema_of_a_rollout_is_the_crds() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert schema["properties"]["rollout"] == rollout_schema.build(), "run make chart-docs"


def test_the_schema_is_closed() -> None:
    is_open = [
        path for path, node in nodes(json.loads(SCHEMA.read_text()), "") if "properties" in node and not is_closed(node)
    ]
    assert is_open == []


def test_defaults_of_a_rollout_are_the_crds() -> None:
    values = yaml.safe_load(VALUES.read_text())["rollout"]
    defaults = {path: node["default"] for path, node in crd_nodes(rollout_schema.read_spec(), ()) if "default" in node}
    leaves = {path: default for path, default in defaults.items() if default != {} and "steps" not in path}
    assert leaves and {path: at(values, path) for path in leaves} == leaves


def test_everything_sets_every_value_and_changes_it() -> None:
    defaults = yaml.safe_load(VALUES.read_text())
    parents = {entry.path[:-1] for entry in ENTRIES}
    leaves = [entry.path for entry in ENTRIES if entry.path not in parents]
    missing = [".".join(path) for path in leaves if at(EVERYTHING, path) is None]
    same = {".".join(path) for path in leaves if at(EVERYTHING, path) == at(defaults, path)}
    assert missing == []
    assert same == KEPT


def nodes(node: object, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(node, dict):
        yield path, node
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        yield from nodes(part, f"{path}/{key}")


def is_closed(node: Json) -> bool:
    """A condition (`if`, `then`) has no type: the object that it is about is closed already."""
    return node.get("additionalProperties") is False or "type" not in node


def crd_nodes(node: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    yield path, node
    for name, part in node.get("properties", {}).items():
        yield from crd_nodes(part, (*path, name))


def at(values: Json, path: tuple[str, ...]) -> object:
    for key in path:
        values = values.get(key, {}) if isinstance(values, dict) else {}
    return None if values == {} else values


def test_the_shape_for_cpus_is_values_cpu_and_more() -> None:
    shape = yaml.safe_load((CHART / "ci" / "cpu-values.yaml").read_text())
    assert shape["triton"] == yaml.safe_load((CHART / "values-cpu.yaml").read_text())["triton"]
