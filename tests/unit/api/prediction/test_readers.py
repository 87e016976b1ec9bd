"""How many uploads are read at a time, and how many of one client."""

from contextlib import ExitStack

import pytest
from inference_api.access.clients import STATE_KEY, Client
from inference_api.prediction import shares
from inference_api.prediction.readers import Readers
from inference_api.problems import Full, Overloaded
from starlette.types import Scope


@pytest.mark.parametrize(
    ("reading", "client", "full"),
    [
        pytest.param("", "a", None, id="nobody-reads"),
        pytest.param("aa", "a", Full.CLIENT_SHARE, id="a-client-has-a-quarter"),
        pytest.param("aa", "b", None, id="another-one-has-a-quarter-too"),
        pytest.param("aabbccdd", "e", Full.READERS, id="all-are-taken"),
    ],
)
def test_readers(reading: str, client: str, full: Full | None) -> None:
    readers = Readers(8)
    with ExitStack() as running:
        for one in reading:
            running.enter_context(readers.reading(one))
        if full is None:
            running.enter_context(readers.reading(client))
        else:
            with pytest.raises(Overloaded) as refused, readers.reading(client):
                pass
            assert refused.value.full is full
        assert len(readers) == len(reading) + (full is None)
    assert len(readers) == 0


def test_a_client_may_always_read_one() -> None:
    readers = Readers(1)
    with readers.reading("a"):
        assert len(readers) == 1


@pytest.mark.parametrize(
    ("scope", "share"),
    [
        pytest.param({"client": ("10.0.0.7", 4711)}, "10.0.0.7", id="address"),
        pytest.param({"client": ("2001:db8:1:2:3:4:5:6", 4711)}, "2001:db8:1:2::/64", id="ipv6-network"),
        pytest.param({"client": ("fe80::7%eth0", 4711)}, "fe80::/64", id="ipv6-with-a-zone"),
        pytest.param({"client": ("::ffff:10.0.0.7", 4711)}, "10.0.0.7", id="ipv4-on-a-socket-of-both-kinds"),
        pytest.param({"client": None}, "", id="a-socket-without-an-address"),
        pytest.param(
            {"client": ("10.0.0.7", 4711), "state": {STATE_KEY: Client("pacs")}}, "pacs", id="a-client-with-a-name"
        ),
    ],
)
def test_whose_share(scope: Scope, share: str) -> None:
    assert shares.of(scope) == share
