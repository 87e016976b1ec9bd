"""The CRD, its samples, and specs that it must refuse. Whether the API server agrees is for the integration tests."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollout_operator.documents.codec import InvalidDocument
from rollout_operator.documents.spec import parse_spec

from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest, spec, uri

ROOT = Path(__file__).parents[3]
CRD = yaml.safe_load((ROOT / "charts/medinfer/crds/modelrollouts.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
SAMPLES = sorted((ROOT / "manifests/samples").glob("*.yaml"))
RELEASE = yaml.safe_load((ROOT / "manifests/samples/release.yaml").read_text())
BAD = yaml.safe_load((Path(__file__).parent / "bad_specs.yaml").read_text())


def nodes(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


def messages() -> set[str]:
    return {
        rule["message"]
        for _, node in nodes(SCHEMA["spec"], "spec")
        for rule in node.get("x-kubernetes-validations", ())
    }


def lay_over(document: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The document with dotted spec fields replaced."""
    document = copy.deepcopy(document)
    for path, value in change.items():
        part = document["spec"]
        *parents, last = path.split(".")
        for name in parents:
            part = part.setdefault(name, {})
        part[last] = value
    return document


def test_every_field_is_described() -> None:
    every = [*nodes(SCHEMA["spec"], "spec"), *nodes(SCHEMA["status"], "status")]
    assert not [path for path, node in every if not node.get("description")]


def test_every_rule_has_a_bad_spec() -> None:
    assert {bad["message"] for bad in BAD} == messages()


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad["id"]) for bad in BAD if not bad.get("update")])
def test_what_the_crd_refuses_the_operator_refuses_too_or_can_bear(bad: dict[str, Any]) -> None:
    """An object from before the CRD, or past a broken one, must not do harm either."""
    harmless = {"header-with-a-space", "webhook-without-scheme"}
    harmless |= {"uri-with-a-password", "uri-with-a-signature"}  # the agents refuse them
    harmless |= {"webhook-with-a-password", "webhook-with-a-token"}  # readable as before
    try:
        parse_spec(lay_over(RELEASE, bad["change"]))
    except InvalidDocument as error:
        assert error.problems
    else:
        assert bad["id"] in harmless


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in SAMPLES])
def test_samples_parse(path: Path) -> None:
    assert parse_spec(yaml.safe_load(path.read_text())).steps[-1].kind.promotes


def test_defaults_are_those_of_the_operator() -> None:
    """What the API server fills in and what the operator assumes must not differ."""
    bare = yaml.safe_load((ROOT / "manifests/samples/first-install.yaml").read_text())
    filled = copy.deepcopy(bare)
    fill_defaults(SCHEMA["spec"], filled["spec"])
    assert filled != bare
    assert parse_spec(filled) == parse_spec(bare)


def test_no_default_is_inside_a_list() -> None:
    """Argo CD compares most lists as a whole: what the API server filled in there would be a difference for ever."""
    assert [path for path, node in nodes(SCHEMA["spec"], "spec") if "[]" in path and "default" in node] == []


def fill_defaults(schema: dict[str, Any], value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            fill_defaults(schema["items"], item)
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name not in value and "default" in part:
                value[name] = copy.deepcopy(part["default"])
            if name in value:
                fill_defaults(part, value[name])


def test_the_status_fits_the_schema() -> None:
    """A field that the schema does not know is pruned by the API server without a word."""
    cluster = Cluster(spec(1), {digest(1): Behaviour(), digest(2): Behaviour(), digest(3): Behaviour(error_share=0.4)})
    seen: list[dict[str, Any]] = []
    cluster.run(5)
    for version in (2, 3):
        cluster.spec = spec(version, generation=version)
        for _ in range(30):
            cluster.tick()
            seen.append(cluster.status)
    unknown = {path for status in seen for path in unknown_fields(SCHEMA["status"], status, "status")}
    assert not unknown
    assert cluster.phase == "RolledBack", uri(3)


def unknown_fields(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from unknown_fields(schema["items"], item, f"{path}[]")
    if isinstance(value, dict):
        for name, part in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                yield f"{path}.{name}"
            else:
                yield from unknown_fields(known, part, f"{path}.{name}")
