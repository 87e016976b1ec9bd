"""When the version was written, in the words of the API server."""

from typing import Any

import pytest
from rollout_operator.documents.edit_time import edited_at

HELM, PERSON = "2026-03-01T10:00:00Z", "2026-03-01T10:00:07Z"


STATUS = {"manager": "m", "subresource": "status", "time": HELM, "fieldsV1": {"f:status": {}}}


def entry(time: str | None, **spec: Any) -> dict[str, Any]:
    """As kube-apiserver 1.34 writes it; `time` may be missing in what older ones stored."""
    return {"manager": "m", "operation": "Apply", "fieldsV1": {"f:spec": spec}} | ({"time": time} if time else {})


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        pytest.param([entry(HELM, **{"f:version": {}, "f:model": {}})], 1772359200, id="one manager"),
        pytest.param(
            [entry(HELM, **{"f:version": {}}), entry(PERSON, **{"f:artifact": {}})], 1772359207, id="the last"
        ),
        pytest.param(
            [entry(HELM, **{"f:version": {}}), entry(PERSON, **{"f:suspend": {}})], 1772359200, id="another field"
        ),
        pytest.param([STATUS], None, id="status"),
        pytest.param([entry(None, **{"f:version": {}})], None, id="no time"),
        pytest.param([{"manager": "m", "time": HELM}], None, id="no fields"),
        pytest.param(None, None, id="nobody"),
    ],
)
def test_who_owns_the_version_wrote_it_last(fields: Any, seconds: int | None) -> None:
    assert edited_at({"name": "resnet", "managedFields": fields}) == seconds
