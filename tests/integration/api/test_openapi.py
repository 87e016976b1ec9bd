"""The API answers as its OpenAPI document says: schemathesis looks for what contradicts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.stack.api import Api


@pytest.mark.integration
def test_schemathesis_finds_nothing(api: Api, tmp_path: Path) -> None:
    """Every check, valid and invalid input, over every operation of the document."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.url}/openapi.json"]
    options = ["--checks", "all", "--max-examples", "100", "--seed", "1", "--generation-database", "none", "--no-color"]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.harness.schemathesis_hooks", "PYTHONPATH": str(Path.cwd())}
    found = subprocess.run([*command, *options], cwd=tmp_path, env=os.environ | hooks, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-2000:]
    assert "Selected: 4/4" in found.stdout, "an operation left the document, or came; say so here"
