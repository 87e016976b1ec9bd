"""A child that ends, one that runs, and one that ignores SIGTERM: real processes, but not Triton."""

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest
from replica_agent.server_id import unique_server_id
from replica_agent.supervise import supervise

from ci.stack.waiting import wait_until


async def started(log: Path, count: int) -> list[int]:
    """The process ids that the child wrote, once there are `count`."""

    def read() -> list[int] | None:
        pids = [int(pid) for pid in log.read_text().split()] if log.exists() else []
        return pids if len(pids) >= count else None

    return await asyncio.to_thread(wait_until, read, f"{count} processes were started")


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def gone(pids: list[int]) -> None:
    def running() -> list[int]:
        return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]

    await asyncio.to_thread(wait_until, lambda: not running(), f"the processes {pids} ended")


async def test_what_dies_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    task = asyncio.create_task(supervise(["sh", "-c", f"echo $0 >> {log}.ids; echo $$ >> {log}; exit 1"]))
    assert len(set(await started(log, 2))) == 2
    await stop(task)
    ids = (await asyncio.to_thread(Path(f"{log}.ids").read_text)).split()
    assert all(unique_server_id(one.removeprefix("--id=")) for one in ids)
    assert len(set(ids)) == len(ids) >= 2


async def test_what_is_left_of_a_dead_child_goes_with_it(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    task = asyncio.create_task(supervise(["sh", "-c", f"sleep 60 & echo $! >> {log}; exit 1"]))
    orphan, _ = await started(log, 2)
    await gone([orphan])
    await stop(task)


@pytest.mark.parametrize("command", ["exec sleep 60", "sleep 60 & wait"])
async def test_an_orderly_stop_ends_the_child_and_its_children(tmp_path: Path, command: str) -> None:
    log = tmp_path / "pids"
    task = asyncio.create_task(supervise(["sh", "-c", f"echo $$ >> {log}; {command}"]))
    (child,) = await started(log, 1)
    family = [child, *(process.pid for process in psutil.Process(child).children(recursive=True))]
    await stop(task)
    await gone(family)
