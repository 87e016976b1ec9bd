"""What tests ask a replica."""

import os
from pathlib import Path
from typing import Any

import httpx
import psutil
import tritonclient.grpc as grpcclient

from ci.stack.http import client
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until

WARM_SECONDS = 240


def entry(replica: Replica, version: int) -> dict[str, Any]:
    """The entry of a version in /state; empty when there is none, or the agent is down."""
    try:
        versions = replica.state()["versions"]
    except httpx.HTTPError:
        return {}
    return next((found for found in versions if found["version"] == version), {})


def wait_for(replica: Replica, version: int, state: str, timeout_seconds: float = WARM_SECONDS) -> dict[str, Any]:
    """Waits until the version is in `state`, or is no longer listed for an empty `state`; returns its entry."""

    def arrived() -> list[dict[str, Any]]:
        return [seen for seen in [entry(replica, version)] if seen.get("state", "") == state]

    what = f"version {version} is {state or 'gone'} on {replica.name}"
    # What was seen then, not what is there a moment later: a failed fetch, for one, is tried again.
    (seen,) = wait_until(arrived, what, timeout_seconds)
    return seen


def status(replica: Replica, path: str) -> int:
    return client.get(replica.agent_url + path, timeout=5).status_code


def ready(replica: Replica) -> bool:
    try:
        return status(replica, "/ready") == 200
    except httpx.HTTPError:
        return False


def stays_ready(replica: Replica) -> bool:
    """For a probe that is asked again and again: fails at once when /ready moves."""
    assert ready(replica), "/ready moved"
    return True


def rejection(replica: Replica) -> str:
    """Why the newest plan was refused; empty when it was not, or the agent is down."""
    try:
        rejected = replica.state()["rejected"]
    except httpx.HTTPError:
        return ""
    return str(rejected["reason"]) if rejected else ""


def restarts(replica: Replica) -> int:
    """How often Triton restarted, as its agent counts; 0 while the agent does not answer."""
    try:
        return int(replica.state()["triton"]["restarts"])
    except httpx.HTTPError:
        return 0


def index(replica: Replica) -> dict[int, str]:
    """Triton's own index: version -> READY, UNAVAILABLE, ..."""
    with grpcclient.InferenceServerClient(f"{replica.address}:8001") as client:
        models = client.get_model_repository_index(client_timeout=5).models
    return {int(model.version): model.state for model in models if model.version}


def stubs(replica: Replica, version: int) -> set[int]:
    """Process ids of the backend processes that hold a version: while they stay, it was not reloaded."""
    triton = replica.triton_pid()
    return holders(triton, version) if triton else set()


def holders(triton_pid: int, version: int) -> set[int]:
    """The same for a Triton that may not be the agent's child."""
    children = psutil.Process(triton_pid).children(recursive=True)
    return {child.pid for child in children if f"/resnet_medical/{version}/model.onnx" in " ".join(_command(child))}


def _command(process: psutil.Process) -> list[str]:
    try:
        command: list[str] = process.cmdline()
    except psutil.NoSuchProcess:
        return []
    return command


def lives(pid: int) -> bool:
    """Whether it runs; a zombie does not count, because it holds nothing."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def files(replica: Replica) -> set[str]:
    """Everything under DATA_DIR, as relative paths."""
    data = replica.folder / "data"
    # os.walk passes over a folder that the agent removes meanwhile; rglob raises.
    return {str(Path(folder, name).relative_to(data)) for folder, _, names in os.walk(data) for name in names}


def bundles(replica: Replica) -> set[str]:
    """Digests in the agent's cache."""
    return {f"sha256:{Path(name).stem}" for name in files(replica) if name.startswith("bundles/")}
