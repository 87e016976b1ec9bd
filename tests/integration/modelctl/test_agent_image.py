"""The image of operator and agent holds the bundle format, and nothing that makes versions or spoils them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.images.catalog import OURS
from ci.stack.folders import ROOT

pytestmark = pytest.mark.integration

DOCKERFILE = "operators/rollout/Dockerfile"
IMPORTS = "import replica_agent.main, rollout_operator.main, modelctl.bundle as it; print(it.__file__)"


def instructions(kind: str) -> list[str]:
    """The instructions of the first stage, in order, each on one line."""
    first_stage = re.split(r"^FROM ", (ROOT / DOCKERFILE).read_text(), flags=re.MULTILINE)[1]
    lines = first_stage.replace("\\\n", " ").splitlines()
    return [line.removeprefix(f"{kind} ") for line in lines if line.startswith(f"{kind} ")]


def copy_sources(context: Path) -> None:
    """Does what the COPY instructions do."""
    for instruction in instructions("COPY"):
        *sources, target = instruction.split()
        for source in sources:
            if (ROOT / source).is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(ROOT / source, context / target, ignore=left_out, dirs_exist_ok=True)
            else:
                file = context / target / Path(source).name if target.endswith("/") else context / target
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, file)


def run_installs(context: Path, code: Path) -> None:
    """Runs the commands that write into /opt/code, with this machine's programs; what uv needs lies in its cache."""
    programs = {"/opt/uv/bin/uv": os.environ["UV"], "python3": sys.executable, "/opt/code": str(code)}
    commands = [re.sub(r"--mount=\S+", "", run) for run in instructions("RUN") if "/opt/code" in run]
    assert commands
    for command in commands:
        for theirs, ours in programs.items():
            command = command.replace(theirs, shlex.quote(ours))
        offline = os.environ | {"UV_OFFLINE": "1", "UV_PYTHON": sys.executable}
        done = subprocess.run(["sh", "-ec", command], cwd=context, env=offline, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that becomes the image's site-packages."""
    context, code = tmp_path_factory.mktemp("context"), tmp_path_factory.mktemp("opt") / "code"
    copy_sources(context)
    run_installs(context, code)
    return code


def test_of_modelctl_it_holds_the_bundle_format_only(code: Path) -> None:
    folder = ROOT / "model_repository/modelctl"
    wanted = {Path("__init__.py"), *(file.relative_to(folder) for file in (folder / "bundle").rglob("*.py"))}
    found = {file.relative_to(code / "modelctl") for file in (code / "modelctl").rglob("*") if file.is_file()}
    assert {file for file in found if file.suffix != ".pyc"} == wanted
    assert len(found) == 2 * len(wanted), "each file is compiled, for an agent may not write there"


def test_operator_and_agent_need_no_more(code: Path) -> None:
    """-P: nothing is imported from the working folder, which is the repository."""
    environment = os.environ | {"PYTHONPATH": str(code)}
    done = subprocess.run([sys.executable, "-P", "-c", IMPORTS], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(code / "modelctl/bundle/__init__.py")), done.stderr


def test_the_catalog_names_what_the_image_is_made_of() -> None:
    (image,) = [image for image in OURS if image.dockerfile == DOCKERFILE]
    copied = {source for instruction in instructions("COPY") for source in instruction.split()[:-1]}
    manifests = {source for source in copied if source.endswith(("pyproject.toml", "uv.lock"))}
    assert copied - manifests == set(image.sources), "ci/images/catalog.py"
