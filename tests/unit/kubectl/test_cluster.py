"""What the API server refuses, and a kubeconfig that is none: one line each, with the fix."""

from pathlib import Path
from typing import Any

import pytest
from kubectl_modelrollout.cluster import Cluster, explain
from kubectl_modelrollout.errors import Problem, Unavailable

MISSING = {"message": 'modelrollouts.serving.medinfer.io "x" not found', "details": {"name": "x"}}
FORBIDDEN = {"message": 'modelrollouts.serving.medinfer.io is forbidden: User "eve" cannot list resource'}


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        pytest.param(
            404, MISSING, 'io "x" not found in namespace clinic; `kubectl get modelrollouts -A`', id="no-object"
        ),
        pytest.param(404, {"message": "not found", "details": {}}, "does not know ModelRollouts; install", id="no-crd"),
        pytest.param(404, None, "does not know ModelRollouts; install the chart's CRD", id="no-group"),
        pytest.param(403, FORBIDDEN, 'ask for a Role that allows it: modelrollouts.*User "eve"', id="forbidden"),
        pytest.param(401, {"message": "Unauthorized"}, r"does not know you \(Unauthorized\); log in", id="who-are-you"),
        pytest.param(409, {"message": "conflict"}, "was written in between: conflict", id="written-in-between"),
        pytest.param(422, {"message": "spec.approvals: too\nmany"}, "^spec.approvals: too many$", id="invalid"),
    ],
)
def test_a_refusal_is_one_line_with_the_mend(status: int, said: dict[str, Any] | None, message: str) -> None:
    found = explain(status, said, "clinic")
    assert not isinstance(found, Unavailable)
    assert "\n" not in str(found)
    with pytest.raises(Problem, match=message):
        raise found


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again(status: int) -> None:
    assert isinstance(explain(status, None, "clinic"), Unavailable)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="no-yaml"),
        pytest.param("[]", id="a-list"),
        pytest.param("current-context: x\nclusters: []\ncontexts: []\nusers: []\n", id="unknown-context"),
        pytest.param("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n", id="no-clusters"),
    ],
)
def test_a_kubeconfig_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(Problem, match=r"^no cluster: .*check --kubeconfig, KUBECONFIG and --context$"):
        Cluster(str(path), None, None)


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no cluster"):
        Cluster(str(tmp_path / "missing"), None, None)
