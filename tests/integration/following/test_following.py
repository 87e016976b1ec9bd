"""Agent and API follow their ConfigMap by name, whatever happens to it and to the API server."""

from collections.abc import Callable

import pytest

from ci.stack.control_plane import ControlPlane
from ci.stack.documents import Json
from tests.integration.following.conftest import Reader

pytestmark = pytest.mark.integration

Document = Callable[[int], Json]


def test_a_change_is_followed(reader: Reader, document: Document) -> None:
    reader.publish(document(1))
    reader.process.start()
    reader.wait_for_revision(1)
    for revision in (2, 3, 4):
        reader.publish(document(revision))
        reader.wait_for_revision(revision, timeout_seconds=20)  # without the watch 90 and more


def test_the_mounted_copy_is_enough_until_the_api_server_comes(reader: Reader, document: Document) -> None:
    reader.publish(document(2))
    reader.namespace.cluster.plane.stop_api_server()
    reader.mount(document(1))
    reader.process.start()
    reader.wait_for_revision(1)
    reader.namespace.cluster.plane.start_api_server()
    reader.wait_for_revision(2)


def test_a_newer_mounted_copy_is_not_given_up_for_an_old_config_map(reader: Reader, document: Document) -> None:
    reader.publish(document(1))
    reader.mount(document(2))
    reader.process.start()
    assert reader.wait_for_rejection("revision: is 1, and 2 is obeyed already")["revision"] == 2
    reader.publish(document(3))
    reader.wait_for_revision(3)


@pytest.mark.parametrize(
    ("take_away", "bring_back"),
    [
        pytest.param(ControlPlane.stop_api_server, ControlPlane.start_api_server, id="stopped"),
        pytest.param(ControlPlane.kill_api_server, ControlPlane.start_api_server, id="killed"),
        pytest.param(ControlPlane.freeze_api_server, ControlPlane.thaw_api_server, id="frozen"),
    ],
)
def test_an_api_server_that_was_away(
    reader: Reader,
    document: Document,
    take_away: Callable[[ControlPlane], None],
    bring_back: Callable[[ControlPlane], None],
) -> None:
    reader.publish(document(1))
    reader.mount(document(1))
    reader.process.start()
    before, plane = reader.wait_for_revision(1), reader.namespace.cluster.plane
    take_away(plane)
    try:
        during = reader.wait_for_revision(1)
    finally:
        bring_back(plane)
    reader.publish(document(2))
    after = reader.wait_for_revision(2)
    assert before["startId"] == during["startId"] == after["startId"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda reader, _: reader.namespace.delete_config_map(reader.name), "", id="deleted"),
        pytest.param(lambda reader, _: reader.namespace.set_config_map(reader.name, {}), "", id="emptied"),
        pytest.param(lambda reader, _: reader.write(""), "is empty", id="blank"),
        pytest.param(lambda reader, _: reader.write('{"schemaVersion": 1'), "not JSON", id="half-written"),
        pytest.param(lambda reader, _: reader.write('{"schemaVersion": 7}'), "schemaVersion", id="another-schema"),
        pytest.param(lambda reader, document: reader.publish(document(1)), "revision: is 1, and 2 is", id="old-copy"),
    ],
)
def test_what_is_no_instruction_changes_nothing(
    reader: Reader, document: Document, spoil: Callable[[Reader, Document], None], reason: str
) -> None:
    reader.publish(document(2))
    reader.process.start()
    before = reader.wait_for_revision(2)
    spoil(reader, document)
    during = reader.wait_for_rejection(reason or "leave it to the operator")
    assert (during["id"], during["revision"]) == (before["id"], 2)
    reader.publish(document(3))
    reader.wait_for_revision(3)
