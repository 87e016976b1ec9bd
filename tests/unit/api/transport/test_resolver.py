"""What the API knows of its replicas' names while the name server answers, is slow, fails, or says no."""

import asyncio
import socket
from typing import Any

import pytest
from inference_api.transport.connections import CONNECT_SECONDS, Pool, Unreachable
from inference_api.transport.resolver import FIRST_SECONDS, FRESH_SECONDS, KEPT_SECONDS, Addresses, Resolver, Unresolved

from tests.harness.hostile.broken_replicas import BrokenReplica, Fault

HOST = "triton-0.triton.medinfer.svc"
OLD, NEW = ("10.0.0.1",), ("10.0.0.2",)
BUSY = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
GONE = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NEVER = "never"
ADDRESS = "127.0.0.74"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class NameServer:
    """Gives the answers in turn; NEVER keeps the asker waiting until `answer` is called."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.clock = 0.0
        self.late = asyncio.Event()
        self.names = Resolver(self._look_up, lambda: self.clock)

    async def _look_up(self, host: str) -> Addresses:
        assert host == HOST
        self.asked += 1
        answer = self.answers.pop(0)
        if answer is NEVER:
            await self.late.wait()
            answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        addresses: Addresses = answer
        return addresses

    async def ask(self, after: float = 0.0) -> Addresses:
        self.clock += after
        return await self.names.addresses(HOST, self.clock + 0.05)


class SlowNameServer:
    """Every answer takes its seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.clock = 0.0
        self.names = Resolver(self._look_up, lambda: self.clock or asyncio.get_running_loop().time())

    async def _look_up(self, host: str) -> Addresses:
        await asyncio.sleep(self.seconds)
        return (ADDRESS,)


def soon(seconds: float = 2.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize(
    ("answers", "after", "expected"),
    [
        pytest.param([OLD], FRESH_SECONDS, OLD, id="one asked for a moment ago is not asked for again"),
        pytest.param([OLD, NEW], FRESH_SECONDS + 1, NEW, id="an older one is"),
        pytest.param([OLD, NEVER], FRESH_SECONDS + 1, OLD, id="a slow name server: the older address is kept"),
        pytest.param([OLD, BUSY], FRESH_SECONDS + 1, OLD, id="a failing one: likewise"),
        pytest.param([OLD, BUSY], KEPT_SECONDS + 1, "Temporary failure", id="but not permanently"),
        pytest.param([OLD, NEVER], KEPT_SECONDS + 1, "not answered yet", id="nor while it is slow"),
        pytest.param([OLD, GONE], FRESH_SECONDS + 1, "not known", id="a name that is gone has no address"),
        pytest.param([OLD, ValueError("no")], FRESH_SECONDS + 1, OLD, id="a lookup that breaks is a failing one"),
    ],
)
async def test_a_second_question(answers: list[Any], after: float, expected: Any) -> None:
    server = NameServer(*answers)
    assert await server.ask() == OLD
    if isinstance(expected, tuple):
        assert await server.ask(after) == expected
    else:
        with pytest.raises(Unresolved, match=expected):
            await server.ask(after)


@pytest.mark.parametrize(("answer", "reason"), [(GONE, "not known"), (BUSY, "Temporary"), (NEVER, "not answered yet")])
async def test_a_first_question_without_an_answer(answer: Any, reason: str) -> None:
    with pytest.raises(Unresolved, match=reason):
        await NameServer(answer).ask()


async def test_many_wait_for_one_lookup_and_the_next_asker_has_its_answer() -> None:
    """Else a slow name server would be asked once more by every request, and each lookup holds a thread."""
    server = NameServer(NEVER, NEW)
    waited = await asyncio.gather(*(server.ask() for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in waited} == {Unresolved}
    server.late.set()
    assert await server.ask() == NEW
    assert server.asked == 1


async def test_a_forgotten_address_is_not_used_again() -> None:
    """Its connection ended: another pod may have the address next, and answer with another model."""
    server = NameServer(OLD, NEVER)
    await server.ask()
    server.names.forget(HOST)
    with pytest.raises(Unresolved):
        await server.ask()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_an_address_is_its_own(address: str) -> None:
    assert await Resolver().addresses(address, 0) == (address,)


async def test_a_real_lookup() -> None:
    assert "127.0.0.1" in await Resolver().addresses("localhost", asyncio.get_running_loop().time() + 5)


async def test_a_slow_name_server_is_no_lost_replica() -> None:
    """The lookup was once part of the connect's 300 ms: clients got 503 though every replica was well."""
    server = SlowNameServer(CONNECT_SECONDS + 0.2)
    with BrokenReplica(ADDRESS, Fault.ERROR):
        pool = Pool(HOST, 8000, server.names)
        assert (await pool.exchange(REQUEST, soon())).status == 500
        pool.close()
        server.seconds = 10
        server.clock = FRESH_SECONDS + 1
        assert (await pool.exchange(REQUEST, soon(FIRST_SECONDS))).status == 500
        pool.close()


@pytest.mark.parametrize("fault", [Fault.RESETS, Fault.CLOSES, Fault.ERROR], ids=["reset", "closed", "while idle"])
async def test_an_address_whose_connection_ended_is_looked_up_again(fault: Fault) -> None:
    server = SlowNameServer(0)
    pool = Pool(HOST, 8000, server.names)
    with BrokenReplica(ADDRESS, fault):
        await asyncio.gather(pool.exchange(REQUEST, soon()), return_exceptions=True)
    await asyncio.sleep(0.05)
    server.seconds = 10
    with pytest.raises(Unreachable, match="no address"):
        await pool.exchange(REQUEST, soon(0.1))


async def test_an_address_where_nobody_listens_is_looked_up_again() -> None:
    server = SlowNameServer(0)
    pool = Pool(HOST, 8000, server.names)
    with pytest.raises(Unreachable, match="refused"):
        await pool.exchange(REQUEST, soon())
    server.seconds = 10
    with pytest.raises(Unreachable, match="no address"):
        await pool.exchange(REQUEST, soon(0.1))
