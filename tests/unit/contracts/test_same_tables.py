"""Facts that each part keeps in a table of its own are the same everywhere: parts do not import each other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from inference_api.routing import contract as api_contract
from inference_api.routing.counters import MATRIX_LABELS as API_MATRIX_LABELS
from inference_api.routing.counters import MAX_PAIRS
from modelctl.bundle import contract
from modelctl.defaults import LABELS
from replica_agent import uri_schemes as agent_uri_schemes
from replica_agent.plan import InvalidPlan, parse_plan
from replica_agent.state import TRANSIENT as AGENT_TRANSIENT
from replica_agent.state import Reason
from rollout_operator.decide import failures
from rollout_operator.documents import uri_schemes
from rollout_operator.documents.counters import MATRIX_LABELS, MAX_LABELS, MAX_TALLY_PAIRS, MAX_TALLY_ROWS
from rollout_operator.documents.plan import Plan, PlanLoad
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import InvalidSpec, Warmup, parse_spec
from rollout_operator.documents.uri_schemes import URI_SCHEMES

ROOT = Path(__file__).parents[3]
CRD = yaml.safe_load((ROOT / "charts/medinfer/crds/modelrollouts.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
SAMPLE = yaml.safe_load((ROOT / "manifests/samples/release.yaml").read_text())
URI_RULES = SCHEMA["spec"]["properties"]["artifact"]["properties"]["uri"]["x-kubernetes-validations"]
URI_RULE, OCI_RULE = URI_RULES[0]["rule"], URI_RULES[1]["rule"]
DIGEST = f"sha256:{1:064x}"

ADDRESSES = (
    *(f"{scheme}bucket/a.tar" for scheme in URI_SCHEMES if scheme != "oci://"),
    f"oci://registry:5000/models/resnet_medical@{DIGEST}",
    f"oci://[fd00::1]:5000/a__b-c.d/e@{DIGEST}",
)

NO_ADDRESSES = (
    "gs://bucket/a.tar",
    "ftp://host/a.tar",
    "file:relative.tar",
    "a.tar",
    "s3:/bucket",
    "S3://bucket",
    "s3://",
    "oci://registry/models/resnet_medical",
    "oci://registry/models/resnet_medical:3",
    f"oci://registry/models/resnet_medical:3@{DIGEST}",
    f"oci://registry/models/resnet_medical@{DIGEST[:-1]}",
    f"oci://registry/models/resnet_medical@{DIGEST}/a.tar",
    f"oci://registry@{DIGEST}",
    f"oci://user@registry/models/resnet_medical@{DIGEST}",
    f"oci://registry/Models@{DIGEST}",
)


def crd_accepts(uri: str) -> bool:
    (pattern,) = re.findall(r"^self\.matches\('(.+)'\)$", URI_RULE)
    (pinned,) = re.findall(r"^!self\.startsWith\('oci://'\) \|\| self\.matches\('(.+)'\)$", OCI_RULE)
    return bool(re.search(pattern, uri)) and (not uri.startswith("oci://") or bool(re.search(pinned, uri)))


def operator_accepts(uri: str) -> bool:
    spec: dict[str, Any] = {**SAMPLE["spec"], "artifact": {"uri": uri, "digest": DIGEST}}
    try:
        parse_spec({**SAMPLE, "spec": spec})
    except InvalidSpec:
        return False
    return True


def agent_accepts(uri: str) -> bool:
    plan = Plan("resnet_medical", PlanLoad(300), Warmup(), stable=Release(1, DIGEST, uri), revision=1)
    try:
        parse_plan(json.dumps(plan.document()).encode())
    except InvalidPlan:
        return False
    return True


@pytest.mark.parametrize("uri", ADDRESSES)
def test_an_address_that_one_part_takes_all_take(uri: str) -> None:
    assert (crd_accepts(uri), operator_accepts(uri), agent_accepts(uri)) == (True, True, True)


@pytest.mark.parametrize("uri", NO_ADDRESSES)
def test_an_address_that_one_part_refuses_all_refuse(uri: str) -> None:
    assert (crd_accepts(uri), operator_accepts(uri), agent_accepts(uri)) == (False, False, False)


def test_agent_and_operator_have_the_same_schemes() -> None:
    assert set(agent_uri_schemes.URI_SCHEMES) == set(URI_SCHEMES)
    names = ("URI_PROBLEM", "OCI_PATTERN", "OCI_PROBLEM")
    assert [getattr(agent_uri_schemes, name) for name in names] == [getattr(uri_schemes, name) for name in names]
    assert agent_uri_schemes.OCI_PATTERN in OCI_RULE and URI_RULES[1]["message"] == uri_schemes.OCI_PROBLEM


def test_the_crd_has_no_scheme_of_its_own() -> None:
    """Each scheme in the rule is one of the table's."""
    written = re.findall(r"[a-z0-9?]+:/+", URI_RULE)
    assert {one.replace("s?", suffix) for one in written for suffix in ("", "s")} == set(URI_SCHEMES)


def test_each_reason_of_an_agent_has_one_meaning_for_the_operator() -> None:
    """Tried again, refused before Triton was touched, or wrong wherever; DigestMismatch is both of the last two."""
    sorts = (failures.TRANSIENT, failures.REFUSED, failures.ALWAYS_QUARANTINED, failures.QUARANTINED_BY_TWO)
    assert {reason.value for reason in Reason} == frozenset().union(*sorts) - {"AnalysisFailed"}
    # The agent looks for a signature again and again; the operator ends the try at once.
    assert {reason.value for reason in AGENT_TRANSIENT} - {Reason.SIGNATURE_REFUSED} == failures.TRANSIENT
    twice = {reason for reason in Reason if sum(reason in sort for sort in sorts) > 1}
    assert twice == {Reason.DIGEST_MISMATCH}


def test_a_model_may_have_as_many_labels_everywhere() -> None:
    status = SCHEMA["status"]["properties"]
    in_crd = {part["labels"]["maxItems"] for part in (status["attempt"]["properties"], _history(status))}
    assert in_crd == {MATRIX_LABELS} and API_MATRIX_LABELS == MATRIX_LABELS
    assert MAX_LABELS == api_contract.MAX_LABELS == contract.MAX_LABELS
    assert MAX_TALLY_ROWS == 2 * MAX_LABELS and MAX_TALLY_PAIRS == MAX_PAIRS


def test_the_api_reads_the_contracts_that_modelctl_writes() -> None:
    names = ("ACTIVATIONS", "CHANNELS", "MAX_SIDE", "FIRST_LABEL_COUNT", "TENSOR_NAME")
    assert [getattr(api_contract, name) for name in names] == [getattr(contract, name) for name in names]
    first = contract.first(LABELS)
    assert (
        api_contract.Contract(
            first.input.name, first.input.shape, first.output.name, first.output.activation, first.output.thresholds
        )
        == api_contract.FIRST
    )


@pytest.mark.parametrize("activation, thresholds", [("softmax", ()), ("sigmoid", (0.5, 0.25)), ("none", (0.5, 0.25))])
def test_what_an_agent_reports_of_a_contract_the_api_reads(activation: str, thresholds: tuple[float, ...]) -> None:
    """As it comes to the API: through the agent's facts and the operator's routes."""
    given = contract.Contract(
        contract.Input("picture", (1, 320, 200)), contract.Output("findings", activation, ("a", "b"), thresholds)
    )
    fields = contract.to_json(given)
    read = api_contract.parse(fields, len(fields["output"].pop("labels")), "versions.1")
    assert read == api_contract.Contract("picture", (1, 320, 200), "findings", activation, thresholds)


def _history(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["history"]["items"]["properties"]
    return found
