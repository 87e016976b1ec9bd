"""helm and cosign, as ci/cluster/build makes them. Both find credentials where `docker login` leaves them."""

import subprocess
from pathlib import Path

from ci.stack.control_plane import binary
from ci.stack.errors import CommandFailed

REFUSALS = ("unauthorized", "denied", "authentication required", "no basic auth credentials")


def helm(*arguments: str) -> str:
    """Standard output. Raises CommandFailed with what helm said."""
    return _run("helm", *arguments)


def cosign(*arguments: str) -> str:
    """Standard output. Raises CommandFailed with what cosign said."""
    return _run("cosign", *arguments)


def explained(error: CommandFailed, registry: str) -> CommandFailed:
    """With what to do, where the registry let nobody in."""
    if not any(word in str(error).lower() for word in REFUSALS):
        return error
    return CommandFailed(
        f"{registry} refuses: docker login {registry.partition('/')[0]}, as somebody who may.\n{error}"
    )


def _run(program: str, *arguments: str) -> str:
    try:
        path: Path = binary(program)
    except FileNotFoundError as error:
        raise CommandFailed(str(error)) from None
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandFailed(f"{program} {arguments[0]}: {done.stderr.strip()[-2000:] or done.stdout.strip()[-2000:]}")
    return done.stdout
