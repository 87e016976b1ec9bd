"""A bundle that brings a library: Triton itself would run it, so the agent never shows it to Triton."""

import contextlib
import subprocess
from pathlib import Path

import pytest
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException

from ci.stack.documents import build_plan, read_members
from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from tests.harness.hostile.mutated_bundles import tar_of
from tests.harness.programs import debian, find
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import index, wait_for

pytestmark = pytest.mark.integration

ADDRESS = "127.0.31.7"
SOURCE = """
#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("%s", O_CREAT | O_WRONLY, 0600); }
"""


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The file that is there once the library ran."""
    return tmp_path / "ran"


@pytest.fixture
def hostile(ran: Path, bundle: Bundle, tmp_path: Path) -> dict[str, bytes]:
    """The files of a bundle whose golden.npz is a library and a zip, as any zip reader takes it."""
    compiler = find("gcc", debian("gcc libc6-dev"))
    (tmp_path / "it.c").write_text(SOURCE % ran)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "it.so", tmp_path / "it.c"], check=True)
    contents = read_members(bundle(2))
    contents["golden.npz"] = (tmp_path / "it.so").read_bytes() + contents["golden.npz"]
    contents["config.pbtxt"] += b'backend: "onnxruntime" runtime: "golden.npz"\n'
    return contents


def test_triton_runs_the_library_if_nobody_stops_it(hostile: dict[str, bytes], ran: Path, tmp_path: Path) -> None:
    version = tmp_path / "repository/resnet_medical/2"
    version.mkdir(parents=True)
    for name, data in hostile.items():
        (version / name).write_bytes(data)
    (version.parent / "config.pbtxt").write_bytes(hostile["config.pbtxt"])
    addresses = [f"--{name}-address={ADDRESS}" for name in ("http", "grpc", "metrics")]
    arguments = [f"--model-repository={version.parents[1]}", "--model-control-mode=explicit", *addresses]
    with Process("triton", [TRITON_COMMAND, *arguments], {}, tmp_path / "triton.log") as triton:
        triton.wait_until_ready(f"http://{ADDRESS}:8000/v2/health/live", 60)
        with (
            grpcclient.InferenceServerClient(f"{ADDRESS}:8001") as client,
            contextlib.suppress(InferenceServerException),
        ):
            client.load_model("resnet_medical")
    assert ran.exists(), "Triton has changed: is what the agent refuses still what Triton runs?"


def test_the_agent_refuses_it_as_a_first_version(
    make_replica: StartReplica, hostile: dict[str, bytes], ran: Path, tmp_path: Path
) -> None:
    """Beside a loaded version its other config would have been refused anyway."""
    path = tmp_path / "resnet_medical-2.tar"
    path.write_bytes(tar_of(hostile))
    replica = make_replica()
    replica.follow(build_plan(stable=path))
    replica.start()
    failed = wait_for(replica, 2, "Failed")
    assert failed["reason"] == "BundleInvalid" and "the field runtime" in failed["message"]
    assert index(replica) == {} and not ran.exists()
