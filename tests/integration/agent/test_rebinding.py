"""A name server that first gives a store's address and then one of the node's: the check holds on the socket."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rebinding import SITUATIONS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="a name server of one's own needs root"),
]


def fetch(folder: Path, situation: str, allow_local_addresses: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.harness.rebinding", str(folder), situation, allow_local_addresses]
    done = subprocess.run(["unshare", "--net", "--mount", *command], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_answer_of_a_name_server_leads_to_the_node(situation: str, tmp_path: Path) -> None:
    result = fetch(tmp_path, situation, "false")
    assert "a loopback or link-local address, which no agent of a cluster asks" in result["error"]
    assert result["victims"] == 0


def test_the_attack_succeeds_where_local_addresses_are_allowed(tmp_path: Path) -> None:
    assert fetch(tmp_path, "after-a-cut-metadata", "true")["victims"] > 0
