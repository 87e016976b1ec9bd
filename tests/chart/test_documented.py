"""values.yaml, its schema, the generated pages and the chart's ci/ values agree."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci.chart import crd_reference, rollout_schema, values_table
from ci.chart.__main__ import SCHEMA
from ci.chart.crd import read_part
from ci.chart.generated import Generated
from ci.chart.values_table import VALUES, read_entries
from tests.harness.chart.helm import CHART, Json

ENTRIES = list(read_entries(VALUES.read_text()))
EVERYTHING = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
# Values that everything-values.yaml leaves at their default, because they are on by default.
KEPT = {
    "enabled",
    "admission.enabled",
    "api.autoscaling.enabled",
    "api.podDisruptionBudget.enabled",
    "tracing.triton",
    "triton.gpu.enabled",
    "triton.podDisruptionBudget.enabled",
    "networkPolicy.enabled",
    "roles.create",
    "tests.enabled",
    "tests.loading",
}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=".".join(entry.path)) for entry in ENTRIES])
def test_every_value_has_a_comment(entry: values_table.Entry) -> None:
    assert entry.comment.endswith((".", "...")), f"{'.'.join(entry.path)}: write a sentence directly above it"


@pytest.mark.parametrize(
    ("generated", "content"),
    [
        pytest.param(values_table.README, values_table.build(), id="values"),
        pytest.param(crd_reference.PAGE, crd_reference.build(), id="fields"),
    ],
)
def test_the_page_is_up_to_date(generated: Generated, content: str) -> None:
    assert generated.updated(content) == generated.page.read_text(), "run make chart-docs"


def test_every_field_of_the_crd_is_on_its_page() -> None:
    """An object with the fields of an earlier one refers to it, so each name is there, but not each path."""
    page = crd_reference.PAGE.page.read_text()
    names = {path[-1] for part in ("spec", "status") for path, _ in crd_nodes(read_part(part), (part,))}
    assert len(names) > 60
    assert [name for name in sorted(names) if f".{name}`" not in page and f"`{name}`" not in page] == []


def test_every_cel_message_is_on_the_page() -> None:
    page = crd_reference.PAGE.page.read_text()
    rules = [rule for _, node in nodes(read_part("spec"), "") for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) > 8
    assert [rule["message"] for rule in rules if rule["message"] not in page] == []


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- begin -->\n")
    with pytest.raises(ValueError, match="<!-- end -->"):
        Generated(page, "<!-- begin -->", "<!-- end -->").updated("")


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
    defaults = {path: node["default"] for path, node in crd_nodes(read_part("spec"), ()) if "default" in node}
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
    """A condition (`if`, `then`) has no type; the object that it constrains is closed elsewhere."""
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
