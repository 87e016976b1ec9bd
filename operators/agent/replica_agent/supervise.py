"""Runs Triton as a child process, and starts it again when it ends. For an agent without a pod around it."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from pathlib import Path

from replica_agent.ports import GRPC_PORT, HTTP_PORT, METRICS_PORT
from replica_agent.server_id import new_server_id
from replica_agent.settings import Settings

EXIT_TIMEOUT_SECONDS = 10
MAX_BACKOFF_SECONDS = 30.0
HEALTHY_SECONDS = 60.0

RESTRICTED_APIS = "model-repository,model-config,shared-memory,statistics,trace,logging"
RESTRICTED_HEADER = "medinfer-agent-key"

log = logging.getLogger(__name__)


def triton_arguments(settings: Settings, repository: Path) -> list[str]:
    """Arguments of tritonserver: it loads nothing at the start, and its HTTP control endpoints need a key.

    A config is complete or not loaded: Triton asks no backend, and so no code, what a bundle leaves out.
    """
    address, key = settings.triton_address, settings.restricted_key or secrets.token_urlsafe(32)
    return [
        f"--model-repository={repository}",
        "--model-control-mode=explicit",
        "--strict-readiness=false",
        "--disable-auto-complete-config",
        f"--http-address={address}",
        f"--http-port={HTTP_PORT}",
        f"--http-restricted-api={RESTRICTED_APIS}:{RESTRICTED_HEADER}={key}",
        f"--grpc-address={address}",
        f"--grpc-port={GRPC_PORT}",
        f"--metrics-address={address}",
        f"--metrics-port={METRICS_PORT}",
        f"--exit-timeout-secs={EXIT_TIMEOUT_SECONDS}",
    ]


def backoff_seconds(deaths: int) -> float:
    """The pause before the restart after so many deaths in a row: 0.5, 1, 2 ... 30 s."""
    return min(MAX_BACKOFF_SECONDS, 0.5 * 2.0 ** min(deaths - 1, 10))


async def supervise(command: list[str]) -> None:
    """Runs until cancelled, then stops Triton in order."""
    deaths = 0
    while True:
        started = time.monotonic()
        status = await _run(command)
        deaths = 1 if time.monotonic() - started > HEALTHY_SECONDS else deaths + 1
        delay = backoff_seconds(deaths)
        log.warning("Triton ended", extra={"status": status, "restart_in_seconds": delay})
        await asyncio.sleep(delay)


async def _run(command: list[str]) -> int:
    """One run of Triton; returns its exit status. It ends with the agent, even when the agent is killed."""
    child = await asyncio.create_subprocess_exec(
        "setpriv",
        "--pdeathsig",
        "KILL",
        *command,
        f"--id={new_server_id()}",
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    log.info("Triton started", extra={"pid": child.pid})
    try:
        return await child.wait()
    finally:
        await asyncio.shield(_stop(child))


async def _stop(child: asyncio.subprocess.Process) -> None:
    """Sends SIGTERM and waits; then SIGKILL to its group, so that no backend process is left."""
    if child.returncode is None:
        child.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EXIT_TIMEOUT_SECONDS + 5):
                await child.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
