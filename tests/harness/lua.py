"""A health check of Argo CD, run by the interpreter inside Argo CD (gopher-lua), with the libraries it gives."""

import json
import subprocess
from pathlib import Path
from typing import Any

from ci.stack.control_plane import binary

Json = dict[str, Any]

# Argo CD opens base, package, table and a safe os, nothing else.
ABSENT = ("string", "math", "io", "debug", "coroutine", "channel")


def health(script: Path, body: Json, folder: Path) -> tuple[str, str]:
    """(status, message) of the object; raises CalledProcessError when the script fails."""
    closed = "".join(f"{library} = nil\n" for library in ABSENT)
    check = f"local function check()\n{script.read_text()}\nend\n"
    tell = "local health = check()\nprint(health.status)\nprint(health.message)\n"
    program = folder / "health.lua"
    program.write_text(f"{closed}obj = {literal(body)}\n{check}{tell}")
    done = subprocess.run([str(binary("glua")), str(program)], check=True, capture_output=True, text=True)
    status, message = done.stdout.splitlines()
    return status, message


def literal(value: Any) -> str:
    """JSON as a Lua expression."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{literal(key)}] = {literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(literal, value)) + "}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return {None: "nil", True: "true", False: "false"}.get(value) or str(value)
