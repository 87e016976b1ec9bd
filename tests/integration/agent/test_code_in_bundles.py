"""A bundle that brings a library or reads files: Triton itself would do it, so the agent never shows it to Triton."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException

from ci.stack.documents import build_plan, read_members
from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND, Replica
from ci.stack.waiting import wait_until
from tests.harness.hostile.mutated_bundles import tar_of
from tests.harness.hostile.reader import reading
from tests.harness.programs import debian, find
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import entry, index

pytestmark = pytest.mark.integration

ADDRESS = "127.0.31.7"
SOURCE = """
#include <fcntl.h>
__attribute__((constructor)) static void run(void) { open("%s", O_CREAT | O_WRONLY, 0600); }
"""
SECRETS = b"Doe^Jane", b"19600101"
Contents = dict[str, bytes]


@dataclass(frozen=True)
class Unguarded:
    """A Triton as anybody starts it."""

    repository: Path
    client: grpcclient.InferenceServerClient

    def load(self, name: str, contents: Contents) -> None:
        """Under another name than the bundle says. Raises InferenceServerException."""
        version = self.repository / name / "2"
        version.mkdir(parents=True)
        for file, data in contents.items():
            (version / file).write_bytes(data)
        config = contents["config.pbtxt"].decode().replace('"resnet_medical"', f'"{name}"')
        (version.parent / "config.pbtxt").write_text(config.replace("KIND_GPU", "KIND_CPU"))
        self.client.load_model(name)

    def answer(self, name: str) -> bytes:
        """To one picture, all black."""
        tensor = grpcclient.InferInput("input", [1, 3, 224, 224], "FP32")
        tensor.set_data_from_numpy(np.zeros(tensor.shape(), np.float32))
        found = self.client.infer(name, [tensor]).as_numpy("output")
        assert found is not None
        return bytes(found.tobytes())


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unguarded]:
    folder = tmp_path_factory.mktemp("unguarded")
    (folder / "repository").mkdir()
    addresses = [f"--{name}-address={ADDRESS}" for name in ("http", "grpc", "metrics")]
    arguments = [f"--model-repository={folder / 'repository'}", "--model-control-mode=explicit", *addresses]
    with Process("triton", [TRITON_COMMAND, *arguments], {}, folder / "triton.log") as triton:
        triton.wait_until_ready(f"http://{ADDRESS}:8000/v2/health/live", 60)
        with grpcclient.InferenceServerClient(f"{ADDRESS}:8001") as client:
            yield Unguarded(folder / "repository", client)


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The file that is there once the library ran."""
    return tmp_path / "ran"


@pytest.fixture
def library(ran: Path, bundle: Bundle, tmp_path: Path) -> Contents:
    """The files of a bundle whose golden.npz is a library and a zip, as any zip reader takes it."""
    compiler = find("gcc", debian("gcc libc6-dev"))
    (tmp_path / "it.c").write_text(SOURCE % ran)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "it.so", tmp_path / "it.c"], check=True)
    contents = read_members(bundle(2))
    contents["golden.npz"] = (tmp_path / "it.so").read_bytes() + contents["golden.npz"]
    contents["config.pbtxt"] += b'backend: "onnxruntime" runtime: "golden.npz"\n'
    return contents


def reader(bundle: Path, first: str, second: str) -> Contents:
    """The files of a bundle whose model answers with those two files."""
    contents = read_members(bundle)
    return contents | {"model.onnx": reading(contents["model.onnx"], first, second)}


def is_refused(replica: Replica, why: str) -> bool:
    found = entry(replica, 2)
    return found.get("reason") == "BundleInvalid" and why in found["message"]


def test_triton_runs_the_library_if_nobody_stops_it(unguarded: Unguarded, library: Contents, ran: Path) -> None:
    with contextlib.suppress(InferenceServerException):
        unguarded.load("library", library)
    assert ran.exists(), "Triton has changed: is what the agent refuses still what Triton runs?"


def test_triton_answers_with_files_if_nobody_stops_it(unguarded: Unguarded, bundle: Bundle, tmp_path: Path) -> None:
    """Beside the repository, and anywhere. The ONNX Runtime of this Triton is 1.23; 1.32 reads neither."""
    beside, anywhere = unguarded.repository.with_name("secret"), tmp_path / "secret"
    for path, secret in zip((beside, anywhere), SECRETS, strict=True):
        path.write_bytes(secret)
    unguarded.load("reader", reader(bundle(2), "../../../secret", str(anywhere)))
    assert unguarded.answer("reader") == b"".join(SECRETS)


def test_the_agent_refuses_both_as_a_first_version(
    make_replica: StartReplica, bundle: Bundle, library: Contents, ran: Path, tmp_path: Path
) -> None:
    """Beside a loaded version the library's other config would have been refused anyway."""
    replica = make_replica()
    for contents, why in (
        (library, "the field runtime"),
        (reader(bundle(2), "../../../secret", "/etc/passwd"), "external data"),
    ):
        path = tmp_path / "resnet_medical-2.tar"
        path.write_bytes(tar_of(contents))
        replica.follow(build_plan(stable=path))
        if not replica.is_running():
            replica.start()
        wait_until(partial(is_refused, replica, why), why)
        assert index(replica) == {} and not ran.exists()
