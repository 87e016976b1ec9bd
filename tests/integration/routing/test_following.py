"""The routes file while the API runs: good documents are followed at once, anything else changes nothing."""

import json
from pathlib import Path

import pytest

from ci.stack.documents import Json
from ci.stack.waiting import wait_until
from tests.harness.stack import status
from tests.integration.routing.conftest import Routed, StartApi

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def routed(start_api: StartApi) -> Routed:
    return start_api(workers=2)


def rejection(routed: Routed) -> Json:
    return wait_until(lambda: status(routed.api)["rejected"], "the document is rejected")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param('{"schemaVersion": 1, "model"', "not JSON", id="half-written"),
        pytest.param('{"schemaVersion": 1}', "versions: must be an object, is missing", id="incomplete"),
    ],
)
def test_a_bad_document_changes_nothing_and_is_reported(routed: Routed, content: str, reason: str) -> None:
    good = routed.follow(routed.routes(weight=40, step="good"))
    routed.api.routes_file.write_text(content)
    assert reason in rejection(routed)["reason"]
    report = status(routed.api)
    assert (report["id"], report["step"], report["canary"]) == (good["id"], "good", {"version": 2, "weight": 40})
    assert routed.predict().status_code == 200


def test_a_file_that_vanishes_changes_nothing_and_is_reported(routed: Routed) -> None:
    good = routed.follow(routed.routes(step="before it vanishes"))
    routed.api.routes_file.unlink()
    assert "cannot be read: No such file" in rejection(routed)["reason"]
    assert status(routed.api)["id"] == good["id"]
    assert routed.predict().status_code == 200


def test_another_stable_version_waits_until_a_replica_answers_for_it(routed: Routed) -> None:
    good = routed.follow(routed.routes(step="before"))
    unloaded = routed.routes(("a", routed.replica.url, [1, 2, 99]), step="99")
    unloaded["versions"]["99"] = unloaded["versions"].pop("1")
    unloaded["stable"]["version"] = 99
    routed.api.follow(unloaded)
    assert "no replica answers for stable version 99" in rejection(routed)["reason"]
    assert status(routed.api)["id"] == good["id"]
    assert routed.predict().headers["x-model-version"] == "1"


def test_promotion_and_the_way_back(routed: Routed) -> None:
    for number in (2, 1):
        promoted = routed.routes(step=f"promote {number}", canary=None)
        promoted["stable"] = {"version": number, "weight": 100}
        routed.follow(promoted)
        assert routed.predict().headers["x-model-version"] == str(number)


def test_a_configmap_is_followed_as_kubelet_writes_it(routed: Routed, start_api: StartApi, tmp_path: Path) -> None:
    """The mounted name is a link to ..data/NAME, and ..data a link that is renamed over."""
    mount(tmp_path, "one", routed.routes(step="one"))
    api = start_api(port=8012, ROUTES_FILE=str(tmp_path / "routes.json"))
    assert status(api.api)["step"] == "one"
    mount(tmp_path, "two", routed.routes(step="two"))
    wait_until(lambda: status(api.api)["step"] == "two", "the new content is followed")


def mount(folder: Path, name: str, routes: Json) -> None:
    (folder / name).mkdir()
    (folder / name / "routes.json").write_text(json.dumps(routes))
    (folder / "..new").symlink_to(name)
    (folder / "..new").rename(folder / "..data")
    if not (folder / "routes.json").is_symlink():
        (folder / "routes.json").symlink_to("..data/routes.json")
