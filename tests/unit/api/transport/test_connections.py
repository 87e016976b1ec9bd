"""The HTTP client, against sockets that behave as badly as they can."""

import asyncio
import json
import socket
import time
from typing import Any, Self

import pytest
import uvloop
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.routing.document import Replica, Version
from inference_api.transport.connections import CONNECT_SECONDS, Broken, Connection, ExchangeTimeout, Pool, Unreachable
from inference_api.transport.proof_cache import ProofCache
from inference_api.transport.request_buffers import RequestBuffer
from inference_api.transport.resolver import Resolver
from inference_api.transport.triton import (
    ConnectionBroke,
    ReplicaUnreachable,
    Triton,
    VersionFailed,
    VersionTimeout,
    VersionUnproved,
)

from ci.stack.waiting import until
from tests.harness.hostile.broken_replicas import BrokenReplica, Fault

ADDRESS = "127.0.0.73"
REPLICA = Replica("a", ADDRESS, 8000, frozenset({1}))
VERSION = Version(1, "sha256:1", ("a", "b", "c", "d"), Preprocessing("box", 1.0, (0.0,) * 3, (1.0,) * 3, None))
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def soon(seconds: float = 2.0) -> float:
    return asyncio.get_running_loop().time() + seconds


class Agents:
    """Say the same of every version; None: they cannot be asked."""

    def __init__(self, word: bool | None) -> None:
        self._word = word

    async def is_warm(self, replica: Replica, version: int) -> bool | None:
        return self._word


def proof_cache(word: bool | None = None) -> ProofCache:
    return ProofCache(Agents(word), time.monotonic)


class Server:
    """Answers the requests of each connection with the scripted bytes, then closes it; b"" means: do not answer."""

    def __init__(self, *connections: Any) -> None:
        self.connections = list(connections)
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.pool = Pool("127.0.0.1", self._server.sockets[0].getsockname()[1], Resolver())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pool.close()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        for answer in self.connections.pop(0):
            await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                await reader.read()
            writer.write(answer or b"")
        writer.close()


async def test_a_connection_is_kept_and_used_again() -> None:
    async with Server([OK, OK, OK]) as server:
        for _ in range(3):
            reply = await server.pool.exchange(REQUEST, soon())
            assert (reply.status, reply.body) == (200, b"ok")
        assert server.accepted == 1


async def test_exchanges_at_the_same_time_have_a_connection_each() -> None:
    async with Server([OK], [OK], [OK]) as server:
        await asyncio.gather(*(server.pool.exchange(REQUEST, soon()) for _ in range(3)))
        assert server.accepted == 3


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_a_connection_that_the_other_side_ends_is_not_kept(connection: Any) -> None:
    answer = OK.replace(b"\r\n\r\n", f"\r\nConnection: {connection}\r\n\r\n".encode())
    async with Server([answer], [answer]) as server:
        for _ in range(2):
            await server.pool.exchange(REQUEST, soon())
        assert server.accepted == 2


async def test_a_kept_connection_that_was_just_closed_is_repeated_on_a_fresh_one() -> None:
    """The other side closes it when the second request is there: nobody can know whether it was read."""
    async with Server([OK, b""], [OK]) as server:
        for _ in range(2):
            assert (await server.pool.exchange(REQUEST, soon())).status == 200
        assert server.accepted == 2


async def test_unless_the_request_must_not_be_repeated() -> None:
    async with Server([OK, b""], [OK]) as server:
        await server.pool.exchange(REQUEST, soon())
        with pytest.raises(Broken):
            await server.pool.exchange(REQUEST, soon(), repeat=False)


async def test_a_fresh_connection_that_breaks_is_not_repeated() -> None:
    async with Server([b""], [OK]) as server:
        with pytest.raises(Broken):
            await server.pool.exchange(REQUEST, soon())
        assert server.accepted == 1


async def test_an_answer_already_begun_is_not_asked_for_again() -> None:
    async with Server([OK, OK[:-1]], [OK]) as server:
        await server.pool.exchange(REQUEST, soon())
        with pytest.raises(Broken):
            await server.pool.exchange(REQUEST, soon())
        assert server.accepted == 1


async def test_after_its_time_an_exchange_ends_and_its_connection_is_not_kept() -> None:
    async with Server([None], [OK]) as server:
        with pytest.raises(ExchangeTimeout):
            await server.pool.exchange(REQUEST, soon(0.05))
        assert (await server.pool.exchange(REQUEST, soon())).status == 200


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    """Else they would be read as the next request's answer: a diagnosis for another patient."""
    async with Server([OK + OK, OK], [OK]) as server:
        await server.pool.exchange(REQUEST, soon())
        await asyncio.sleep(0.05)
        await server.pool.exchange(REQUEST, soon())
        assert server.accepted == 2


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="refused"):
        await Pool("127.0.0.1", port, Resolver()).exchange(REQUEST, soon())


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(Unreachable):
        await Pool("no-such-host.invalid", 8000, Resolver()).exchange(REQUEST, soon())


async def test_no_connection_in_time() -> None:
    """A listener whose queue is full drops what comes, as a host that is gone does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        pool = Pool("127.0.0.1", listener.getsockname()[1], Resolver())
        started = asyncio.get_running_loop().time()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        with pytest.raises(Unreachable, match="no connection within 300 ms"):
            await pool.exchange(REQUEST, soon(5))
        assert asyncio.get_running_loop().time() - started < 2
        for filler in fillers:
            filler.close()


async def test_a_connection_that_the_other_side_ended_begins_a_new_life() -> None:
    async with Server([OK, OK], [OK]) as server:
        await server.pool.exchange(REQUEST, soon())
        first = server.pool.epoch
        await server.pool.exchange(REQUEST, soon())
        assert server.pool.epoch == first
        await until(lambda: server.pool.epoch != first, "the end of the connection is seen")
        second = server.pool.epoch
        await server.pool.exchange(REQUEST, soon())
        assert server.pool.epoch > second, "there was none when this one was made"


async def test_a_second_concurrent_connection_is_the_same_epoch() -> None:
    async with Server([None], [OK, OK]) as server:
        waiting = asyncio.create_task(server.pool.exchange(REQUEST, soon(30)))
        await until(lambda: server.accepted == 1, "the first request waits")
        epoch = server.pool.epoch
        await server.pool.exchange(REQUEST, soon())
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await server.pool.exchange(REQUEST, soon())
        assert server.accepted == 2 and server.pool.epoch == epoch


async def test_what_is_checked_and_refused_is_not_sent_and_leaves_the_connection_open() -> None:
    async def refuse(connection: Connection) -> None:
        raise VersionUnproved("not yet")

    async with Server([OK]) as server:
        with pytest.raises(VersionUnproved):
            await server.pool.exchange(REQUEST, soon(), check=refuse)
        epoch = server.pool.epoch
        assert (await server.pool.exchange(REQUEST, soon())).status == 200
        assert server.accepted == 1 and server.pool.epoch == epoch


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.HANGS, VersionTimeout),
        (Fault.RESETS, ConnectionBroke),
        (Fault.CLOSES, ConnectionBroke),
        (Fault.CUT, ConnectionBroke),
        (Fault.NOT_HTTP, ConnectionBroke),
        (Fault.HUGE, ConnectionBroke),
        (Fault.ERROR, VersionFailed),
        (Fault.WRONG_SHAPE, VersionFailed),
    ],
    ids=str,
)
async def test_a_replicas_faults_are_told_apart(fault: Fault, failure: type[Exception]) -> None:
    """Transport failures eject the replica; the version's failures mark the version only."""
    triton = Triton(Resolver(), proof_cache())
    with BrokenReplica(ADDRESS, fault) as broken:
        with pytest.raises(failure) as caught:
            await triton.infer(REPLICA, "m", VERSION, RequestBuffer(1), soon(0.3 if fault is Fault.HANGS else 10))
        assert caught.type is failure
        assert broken.requests == 1
    triton.close_idle(REPLICA)


async def test_a_replica_that_is_gone() -> None:
    with pytest.raises(ReplicaUnreachable):
        await Triton(Resolver(), proof_cache()).infer(REPLICA, "m", VERSION, RequestBuffer(1), soon())


async def test_a_version_that_its_agent_does_not_call_warm_gets_no_request() -> None:
    triton = Triton(Resolver(), proof_cache(False))
    with BrokenReplica(ADDRESS, Fault.ERROR) as replica:
        with pytest.raises(VersionUnproved, match="version 1 is not proved on a"):
            await triton.infer(REPLICA, "m", VERSION, RequestBuffer(1), soon())
        assert replica.requests == 0
    triton.close_idle(REPLICA)


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        pytest.param({"name": "medinfer-1"}, True, id="the-same-process"),
        pytest.param({"name": "medinfer-2"}, False, id="another-process"),
        pytest.param({}, False, id="without-a-name"),
        pytest.param([], False, id="nonsense"),
        pytest.param(None, False, id="the-connection-ends"),
    ],
)
async def test_without_its_agent_a_version_is_asked_in_the_process_that_proved_it_alone(
    answer: Any, sent: bool
) -> None:
    """Triton is asked on the connection that the request will go over."""
    body = json.dumps(answer).encode()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with Server([reply, OK] if sent else [b"" if answer is None else reply]) as server:
        replica = Replica("a", server.pool.host, server.pool.port, frozenset({1}), "medinfer-1")
        triton = Triton(Resolver(), proof_cache(None))
        with pytest.raises(VersionFailed if sent else VersionUnproved):  # OK has no logits
            await triton.infer(replica, "m", VERSION, RequestBuffer(1), soon())
        assert server.accepted == 1
        triton.close_idle(replica)


def test_a_busy_event_loop_is_no_lost_replica() -> None:
    """uvloop runs timers before it looks for connections made: under load, replicas were ejected for nothing."""

    async def connect_while_busy() -> Any:
        pool = Pool(ADDRESS, 8000, Resolver())
        asking = asyncio.create_task(pool.exchange(REQUEST, soon(5)))
        await asyncio.sleep(0)
        time.sleep(CONNECT_SECONDS + 0.2)  # noqa: ASYNC251  # the loop itself is what is busy
        try:
            return await asking
        finally:
            pool.close()

    with BrokenReplica(ADDRESS, Fault.ERROR):
        assert uvloop.run(connect_while_busy()).status == 500
