"""The image for CPUs says at every start what it is for."""

import subprocess
from pathlib import Path

from ci.stack.folders import ROOT

REAL = "/opt/triton/.venv/lib/python3.11/site-packages/pytriton/tritonserver/bin/tritonserver"


def test_it_says_so_and_becomes_triton(tmp_path: Path) -> None:
    fake, start = tmp_path / "tritonserver", tmp_path / "start"
    fake.write_text('#!/bin/sh\nprintf "%s|" $$ "$@"\n')
    fake.chmod(0o755)
    script = (ROOT / "services/triton/start").read_text()
    assert REAL in script
    start.write_text(script.replace(REAL, str(fake)))
    start.chmod(0o755)
    with subprocess.Popen([start, "--a=b c"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said, warned = process.communicate()
    assert said == f"{process.pid}|--a=b c|", "signals reach Triton itself"
    assert "not for patients" in warned and "24.10" in warned and "hangs" in warned
