"""Managers of fields before and after an edit, as a table."""

from typing import Any

import pytest
from kubectl_modelrollout.owners import MANAGER, give_back

Json = dict[str, Any]
MODEL: Json = {"f:model": {}}
VERSION: Json = {"f:version": {}}
ARTIFACT: Json = {"f:artifact": {"f:uri": {}}}
APPROVALS: Json = {"f:approvals": {}}


def entry(manager: str, spec: Json, operation: str = "Apply", **more: Any) -> Json:
    fields = {"f:metadata": {"f:labels": {}}, "f:spec": spec}
    return {"manager": manager, "operation": operation, "apiVersion": "v1alpha1", "fieldsV1": fields} | more


STATUS = entry("operator", {}, "Update", subresource="status")
HELM = entry("helm", MODEL | VERSION | ARTIFACT)
ROBBED = entry("helm", MODEL)
CLIENT = entry("kubectl-client-side-apply", MODEL | VERSION, "Update")
TAKEN = entry(MANAGER, VERSION | ARTIFACT, "Update")


@pytest.mark.parametrize(
    ("now", "before", "owners"),
    [
        pytest.param([ROBBED, TAKEN, STATUS], [HELM, STATUS], [HELM, STATUS], id="helm-has-it-again"),
        pytest.param([TAKEN, STATUS], [CLIENT], [STATUS, CLIENT], id="whose-only-fields-were-taken"),
        pytest.param([ROBBED, entry(MANAGER, APPROVALS, "Update")], [HELM], [HELM], id="what-nobody-had-nobody-has"),
        pytest.param([ROBBED, TAKEN], [ROBBED, TAKEN], [ROBBED], id="what-an-older-plug-in-took-is-let-go"),
        pytest.param(
            [entry("helm", MODEL, time="later"), TAKEN, CLIENT], [HELM], [HELM | {"time": "later"}, CLIENT], id="others"
        ),
        pytest.param([], [], [], id="nobody"),
    ],
)
def test_fields_go_back_to_who_had_them(now: list[Json], before: list[Json], owners: list[Json]) -> None:
    assert give_back(now, before) == owners
