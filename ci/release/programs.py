"""helm and cosign, as ci/cluster/build makes them. Both find credentials where `docker login` leaves them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ci.stack.control_plane import binary
from ci.stack.errors import CommandFailed

REFUSALS = ("unauthorized", "denied", "authentication required", "no basic auth credentials")


def helm(*arguments: str) -> str:
    """Standard output. Raises CommandFailed with what helm said."""
    return _run("helm", *arguments)


def cosign(*arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """Standard output. `environment`: more variables. Raises CommandFailed with what cosign said."""
    return _run("cosign", *arguments, environment=environment)


def explained(error: CommandFailed, registry: str) -> CommandFailed:
    """With what to do, where the registry let nobody in."""
    if not any(word in str(error).lower() for word in REFUSALS):
        return error
    return CommandFailed(
        f"{registry} refuses: docker login {registry.partition('/')[0]}, as somebody who may.\n{error}"
    )


def _run(program: str, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    try:
        path: Path = binary(program)
    except FileNotFoundError as error:
        raise CommandFailed(str(error)) from None
    command, variables = [str(path), *arguments], os.environ | dict(environment)
    done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandFailed(f"{program} {arguments[0]}: {meant(done.stderr) or meant(done.stdout)}")
    return done.stdout


def meant(said: str) -> str:
    """What is wrong: cosign says it between warnings, and once more at the end."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("WARNING:", "error during"))]
    return "\n".join(lines)[-2000:]
