"""The webhook, on a real socket."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from rollout_operator.edge.posting import Poster
from rollout_operator.edge.webhook import MAX_ATTEMPTS, MAX_QUEUE, Notifier

from ci.stack.waiting import until

DEAD = "http://127.0.0.1:1/hook"
HERE = Poster(allow_local_addresses=True)


class Hook:
    """Answers with `statuses`, then 200. While `held` it answers nobody."""

    def __init__(self, *statuses: int) -> None:
        self.url = ""
        self.statuses = list(statuses)
        self.got: list[int] = []
        self.attempts = 0
        self.held = asyncio.Event()
        self.held.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.attempts += 1
        await self.held.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.got.append((await request.json())["n"])
        headers = {"Location": "/login"} if status == 302 else {}
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def serving(hook: Hook) -> AsyncIterator[Hook]:
    async def login(_: web.Request) -> web.Response:
        return web.Response(text="who are you?")

    app = web.Application()
    app.router.add_post("/hook", hook.handle)
    app.router.add_get("/login", login)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield hook
    finally:
        hook.held.set()
        await runner.cleanup()


def notice(number: int) -> dict[str, Any]:
    return {"n": number, "reason": f"R{number}"}


async def test_notices_arrive_in_order() -> None:
    async with serving(Hook()) as hook, Notifier(HERE) as notifier:
        for number in range(20):
            notifier.notify(hook.url, notice(number))
        await until(lambda: len(hook.got) == 20, "all notices")
    assert hook.got == list(range(20))


@pytest.mark.parametrize("status", [500, 503, 429, 401, 302])
async def test_a_refusal_is_tried_again_before_the_next(status: int) -> None:
    """Also 302: a page to log in at, which is 200 for whoever follows."""
    async with serving(Hook(status, status)) as hook, Notifier(HERE, backoff_seconds=0.001) as notifier:
        notifier.notify(hook.url, notice(1))
        notifier.notify(hook.url, notice(2))
        await until(lambda: len(hook.got) == 2, "both notices")
    assert (hook.got, hook.attempts) == ([1, 2], 4)


async def test_after_so_many_tries_a_notice_is_lost_and_the_next_goes_out(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Hook(*[500] * MAX_ATTEMPTS)) as hook, Notifier(HERE, backoff_seconds=0.001) as notifier:
        with caplog.at_level(logging.WARNING):
            notifier.notify(hook.url, notice(1))
            notifier.notify(hook.url, notice(2))
            await until(lambda: hook.got, "the second notice")
    assert hook.got == [2]
    (lost,) = caplog.records
    logged = (lost.message, vars(lost)["reason"], vars(lost)["error"])
    assert logged == ("webhook notice dropped: every attempt failed", "R1", "status 500")


@pytest.mark.parametrize("address", [DEAD, "http://[", "no address"])
async def test_a_dead_address_holds_up_nobody_else(address: str) -> None:
    async with serving(Hook()) as hook, Notifier(HERE) as notifier:
        for number in range(3):
            notifier.notify(address, notice(number))
            notifier.notify(hook.url, notice(number))
        await until(lambda: len(hook.got) == 3, "all notices of the other")


async def test_a_full_queue_loses_the_newest_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Hook()) as hook, Notifier(HERE) as notifier:
        hook.held.clear()
        notifier.notify(hook.url, notice(0))
        await until(lambda: hook.attempts, "the first is on its way")
        with caplog.at_level(logging.WARNING):
            for number in range(1, MAX_QUEUE + 3):
                notifier.notify(hook.url, notice(number))
        assert [vars(record)["reason"] for record in caplog.records] == [f"R{MAX_QUEUE + 1}", f"R{MAX_QUEUE + 2}"]
        hook.held.set()
        await until(lambda: len(hook.got) == MAX_QUEUE + 1, "what was queued")
    assert hook.got == list(range(MAX_QUEUE + 1))


async def test_the_end_waits_for_nobody() -> None:
    async with serving(Hook()) as hook:
        hook.held.clear()
        async with asyncio.timeout(5), Notifier(HERE) as notifier:
            notifier.notify(hook.url, notice(1))
            notifier.notify(DEAD, notice(1))
            await until(lambda: hook.attempts, "it is on its way")
        assert hook.got == []
