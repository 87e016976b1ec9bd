"""Who goes when there is no room."""

import pytest
from inference_api.process.client_connections import ClientConnections


@pytest.fixture
def connections() -> ClientConnections[str]:
    return ClientConnections(3)


def test_there_is_room_until_all_places_are_taken(connections: ClientConnections[str]) -> None:
    for name, is_full in (("a", False), ("b", False), ("c", True)):
        connections.enter(name)
        assert connections.is_full is is_full
    connections.leave("b")
    assert (len(connections), connections.is_full) == (2, False)


def test_strangers_go_before_idle_clients_and_the_oldest_first(connections: ClientConnections[str]) -> None:
    order = []
    for name in ("client", "stranger", "newer stranger", "busy"):
        connections.enter(name)
    for name in ("client", "busy"):
        connections.begin_request(name)
    connections.end_request("client")
    while oldest := connections.oldest_silent():
        order.append(oldest)
        connections.leave(oldest)
    assert order == ["stranger", "newer stranger", "client"]
    assert len(connections) == 1
