"""`kubectl modelrollout` through kubectl and the real API server; the statuses are those of the simulated cluster."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from rollout_operator.documents.codec import dump

from ci.stack.control_plane import ControlPlane
from ci.stack.kubernetes import Refused
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.plugin import done, run
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest, uri

pytestmark = pytest.mark.integration

NAME = "resnet-medical"
FILES = ("report.md", "report.json", "traffic.png", "disagreement.png", "warmup.png")


def put(namespace: Namespace, made: Cluster, name: str = NAME) -> None:
    kind = {"apiVersion": "serving.medinfer.io/v1alpha1", "kind": "ModelRollout"}
    namespace.apply_rollout(kind | {"metadata": {"name": name}, "spec": dump(made.spec)})
    generation = namespace.rollout(name)["metadata"]["generation"]
    namespace.set_rollout_status(name, made.status | {"observedGeneration": generation})


def refused(namespace: Namespace, *arguments: str, **settings: Any) -> str:
    """The one line that says why."""
    ended = run(namespace, *arguments, **settings)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


def test_a_release_is_followed_approved_and_reported(namespace: Namespace, tmp_path: Path) -> None:
    made = release(cluster(), approvals=()).run_until("Paused")
    put(namespace, made)
    assert f"{NAME} in {namespace.name}: Paused" in done(namespace, "status")
    assert "in progress" in done(namespace, "history", NAME)
    gate = ("approve", "--gate", "clinical-signoff", "--by", "Dr. Roentgen")
    lines = done(namespace, *gate)
    assert not namespace.rollout(NAME)["spec"].get("approvals")
    assert done(namespace, *gate, "--apply") == lines
    approval = {"gate": "clinical-signoff", "version": 2, "digest": digest(2), "by": "Dr. Roentgen"}
    assert namespace.rollout(NAME)["spec"]["approvals"] == [approval]
    written = done(namespace, "report", "--version", "2", "--output", str(tmp_path / "evidence")).split()
    assert written == [str(tmp_path / "evidence" / name) for name in FILES]
    evidence = json.loads((tmp_path / "evidence/report.json").read_text())
    assert [one["name"] for one in evidence["replicas"]] == ["triton-0", "triton-1"]
    assert "Pituitary" in (tmp_path / "evidence/report.md").read_text()


def test_a_release_that_failed_is_told_by_the_exit_status(namespace: Namespace) -> None:
    put(namespace, release(cluster(Behaviour(fails="GoldenMismatch"))).run_until("RolledBack"))
    for arguments in (("status",), ("status", "--watch"), ("-n", namespace.name, "status", NAME)):
        ended = run(namespace, *arguments)
        assert (ended.returncode, ended.stderr) == (1, "")
        assert "GoldenMismatch at triton-0" in ended.stdout
    assert "RolledBack" in done(namespace, "history")


def test_an_approval_is_written_while_the_operator_writes_the_status(namespace: Namespace) -> None:
    made, stop = release(cluster(), approvals=()).run_until("Paused"), Event()
    put(namespace, made)

    def write() -> None:
        for number in count():
            if stop.is_set():
                return
            with suppress(Refused):  # a conflict with the approval
                namespace.set_rollout_status(NAME, namespace.rollout(NAME)["status"] | {"message": str(number)})

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        try:
            done(namespace, "approve", "--gate", "clinical-signoff", "--by", "Dr. Roentgen", "--apply")
        finally:
            stop.set()
        writing.result()
    assert [one["by"] for one in namespace.rollout(NAME)["spec"]["approvals"]] == ["Dr. Roentgen"]


def test_an_abort_is_printed_and_written(namespace: Namespace) -> None:
    put(namespace, release(cluster(), approvals=()).run_until("Paused"))
    lines = done(namespace, "abort")
    assert namespace.rollout(NAME)["spec"]["version"] == 2
    assert done(namespace, "abort", "--apply") == lines
    spec = namespace.rollout(NAME)["spec"]
    assert (spec["version"], spec["artifact"]) == (1, {"uri": uri(1), "digest": digest(1)})


def test_the_watch_ends_with_the_release(namespace: Namespace) -> None:
    put(namespace, release(cluster()).run(40))
    assert "Ready True Promoted" in " ".join(done(namespace, "status", "--watch").split())


def test_a_release_that_waits_ends_the_watch_in_time(namespace: Namespace) -> None:
    put(namespace, release(cluster(), approvals=()).run_until("Paused"))
    ended = run(namespace, "status", "--watch", "--timeout", "1")
    assert ended.returncode == 2
    assert "Paused: v2 at 0 %, step 2/7" in ended.stdout
    assert "the release neither became ready nor failed within 1s; Paused" in ended.stderr


def test_a_cluster_without_the_crd_says_what_to_install(namespace: Namespace, tmp_path: Path) -> None:
    with ControlPlane(tmp_path) as bare:
        for arguments in (("status",), ("status", NAME)):
            assert "install the chart's CRD" in refused(namespace, *arguments, kubeconfig=bare.kubeconfig())


def test_what_cannot_be_done_is_told_in_one_line(namespace: Namespace, tmp_path: Path) -> None:
    assert f"namespace {namespace.name} has no ModelRollout" in refused(namespace, "status")
    made = cluster()
    put(namespace, made, "one")
    put(namespace, made, "two")
    assert refused(namespace, "status").endswith("name one of them: one, two")
    assert '"three" not found' in refused(namespace, "status", "three")
    assert "you have no right to do this" in refused(namespace, "status", "-n", "kube-system", user="agent")
    assert "no cluster" in refused(namespace, "status", "--context", "elsewhere")
    assert "no cluster" in refused(namespace, "status", kubeconfig=tmp_path / "missing")
    away = tmp_path / "away"
    away.write_text(
        namespace.kubeconfig("admin").read_text().replace(namespace.cluster.plane.url, "https://127.0.0.1:1")
    )
    assert "https://127.0.0.1:1 does not answer" in refused(namespace, "status", kubeconfig=away)
