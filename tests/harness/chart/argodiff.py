"""argodiff: what Argo CD would show as the difference between git and the cluster, by Argo CD's own code."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ci.stack.control_plane import binary

Json = dict[str, Any]


def differences(pairs: Sequence[tuple[Json, Json]], kubeconfig: Path, *flags: str) -> set[str]:
    """`kind/name path` of each; a pair is what git says, and what the API server has."""
    document = json.dumps([{"config": config, "live": live} for config, live in pairs])
    command = [str(binary("argodiff")), "-kubeconfig", str(kubeconfig), *flags]
    done = subprocess.run(command, input=document, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {
        f"{config['kind']}/{config['metadata']['name']} {path}"
        for (config, _), found in zip(pairs, json.loads(done.stdout), strict=True)
        if found
        for path in differing(*found)
    }


def differing(one: object, other: object, path: str = "") -> Iterator[str]:
    """The path of each value that the two do not share."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differing(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differing(left, right, f"{path}[{number}]")
    elif one != other:
        yield path.removeprefix(".")
