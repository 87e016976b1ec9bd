"""A plan from any source adds versions; only one read from the ConfigMap drops versions."""

import pytest

from ci.stack.documents import Json, build_plan
from ci.stack.http import client
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.integration.following.conftest import Bundle, Reader

pytestmark = pytest.mark.integration


def states(agent: Reader) -> dict[int, str]:
    return {one["version"]: one["state"] for one in agent.report().get("versions", ())}


def promoted(bundle: Bundle, revision: int) -> Json:
    return build_plan(stable=bundle(2)) | {"revision": revision}


def test_while_the_api_server_is_away_versions_are_added_and_none_dropped(
    agent: Reader, sidecar: Sidecar, bundle: Bundle
) -> None:
    plane = agent.namespace.cluster.plane
    plane.stop_api_server()
    agent.mount(build_plan(stable=bundle(1)) | {"revision": 1})
    sidecar.start()
    wait_until(lambda: states(agent) == {1: "Warm"}, "version 1 is loaded from the mounted copy", 120)

    agent.mount(promoted(bundle, 2))
    agent.wait_for_revision(2)
    wait_until(lambda: states(agent) == {2: "Warm", 1: "Warm"}, "version 2 is added, and 1 stays", 120)

    sidecar.agent.kill()
    sidecar.agent.start()
    agent.wait_for_revision(2)
    wait_until(lambda: states(agent) == {2: "Warm", 1: "Warm"}, "version 1 stays, and the agent vouches for both", 120)
    assert (
        client.get(f"http://{sidecar.address}:8000/v2/models/resnet_medical/versions/1/ready", timeout=5).status_code
        == 200
    )

    plane.start_api_server()
    agent.publish(promoted(bundle, 3))
    agent.wait_for_revision(3)
    wait_until(lambda: states(agent) == {2: "Warm"}, "version 1 is dropped on the plan seen live", 60)


def test_what_the_operator_must_know_of_a_bundle(agent: Reader, sidecar: Sidecar, bundle: Bundle) -> None:
    plan = build_plan(stable=bundle(1)) | {"revision": 1}
    agent.publish(plan)
    sidecar.start()
    wait_until(lambda: states(agent) == {1: "Warm"}, "version 1 is warm", 120)
    report = agent.report()["versions"][0]
    assert report["uri"] == plan["stable"]["uri"]
    assert report["labels"] == ["Glioma", "Meningioma", "Pituitary", "No Tumor"]
    assert report["preprocessing"]["resample"] == "bicubic"
