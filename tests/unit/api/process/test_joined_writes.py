"""What is sent, and when, of what the server writes: one tuple for each turn of the event loop."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from inference_api.process.joined_writes import JoinedWrites


class Peer:
    """A transport that notes what it is asked to send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.transport: Any = Mock(spec=asyncio.Transport)
        self.transport.write.side_effect = self.sent.append
        self.transport.write_eof.side_effect = lambda: self.sent.append(b"<eof>")
        self.transport.close.side_effect = lambda: self.sent.append(b"<close>")
        self.joined = JoinedWrites(self.transport, asyncio.get_running_loop())


@pytest.mark.parametrize(
    ("turns", "sent"),
    [
        pytest.param([(b"head", b"body")], [b"headbody"], id="an-answer"),
        pytest.param([(b"head", b"body", b"head", b"body")], [b"headbody", b"headbody"], id="two-answers"),
        pytest.param([(b"head",), (b"part",), (b"end",)], [b"head", b"part", b"end"], id="a-stream-is-not-held-up"),
        pytest.param([(b"head", b"part", b"more"), (b"end",)], [b"headpart", b"more", b"end"], id="three-in-one-turn"),
        pytest.param([(b"head", b"")], [b"head"], id="no-body"),
    ],
)
async def test_what_is_written_is_sent_in_order_by_the_end_of_the_turn(
    turns: list[tuple[bytes, ...]], sent: list[bytes]
) -> None:
    peer = Peer()
    for number, written in enumerate(turns, 1):
        for data in written:
            peer.joined.write(data)
        await asyncio.sleep(0)
        assert b"".join(peer.sent) == b"".join(b"".join(turn) for turn in turns[:number])
    assert peer.sent == sent


@pytest.mark.parametrize(
    ("end", "sent"),
    [("close", [b"head", b"<close>"]), ("write_eof", [b"head", b"<eof>"]), ("abort", [])],
)
async def test_what_waits_is_sent_before_the_end_and_not_after_it(end: str, sent: list[bytes]) -> None:
    peer = Peer()
    peer.joined.write(b"head")
    getattr(peer.joined, end)()
    peer.transport.is_closing.return_value = True
    await asyncio.sleep(0)
    assert peer.sent == sent


async def test_the_rest_is_the_transports() -> None:
    peer = Peer()
    peer.joined.pause_reading()
    peer.transport.pause_reading.assert_called_once_with()
