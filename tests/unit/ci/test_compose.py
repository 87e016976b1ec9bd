"""compose.yaml and compose.cpu.yaml name what exists. That they run was tried by hand: docs/tested.md."""

from typing import Any

import pytest
import yaml
from inference_api import settings as api_settings
from replica_agent import settings as agent_settings

from ci.images.catalog import OURS
from ci.stack.folders import ROOT

Json = dict[str, Any]
READERS: dict[str, Any] = {"api": api_settings, "agent": agent_settings}


class Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Knows compose's own tag."""


Loader.add_constructor("!reset", lambda *_: None)


def read(name: str) -> Json:
    services: Json = yaml.load((ROOT / name).read_text(), Loader)["services"]
    return services


GPU, OVER = read("compose.yaml"), read("compose.cpu.yaml")


def test_images_are_built_as_everywhere_else() -> None:
    built = {
        service["image"]: service["build"]["dockerfile"]
        for service in (*GPU.values(), *OVER.values())
        if "build" in service
    }
    assert built == {image.name: image.dockerfile for image in OURS}


def test_nobody_waits_for_an_image_that_nobody_builds() -> None:
    built = {image.name for image in OURS}
    foreign = {service["image"] for service in GPU.values()} - built
    assert foreign == {GPU["triton"]["image"]}
    assert OVER["triton"]["image"] in built


@pytest.mark.parametrize("part", READERS)
def test_every_variable_is_known_and_valid(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = READERS[part]
    given = GPU[part]["environment"] | OVER.get(part, {}).get("environment", {})
    assert {name.removeprefix(reader.PREFIX).lower() for name in given} <= reader.Settings.model_fields.keys()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    reader.read_settings()


def test_triton_sees_the_backends_that_it_sees_in_a_pod() -> None:
    """tests/chart runs the chart's line."""
    script, template = GPU["triton"]["entrypoint"][2], ROOT / "charts/medinfer/templates/triton/_triton.tpl"
    links = script.removeprefix("ulimit -c 0; rm -rf /tmp/backends ").split("; read")[0]
    assert links.startswith("&& mkdir") and links in " ".join(template.read_text().split())
    assert {"--backend-directory=/tmp/backends", "--disable-auto-complete-config"} <= set(GPU["triton"]["command"])


def test_ports_are_this_machines_only() -> None:
    assert {name: service["ports"] for name, service in GPU.items() if "ports" in service} == {
        "api": ["127.0.0.1:8002:8002"],
        "triton": ["127.0.0.1:8000:8000", "127.0.0.1:8001:8001"],
    }


def test_nobody_lives_in_anothers_network() -> None:
    """Triton was in its agent's: a killed agent came back in a new one, from which Triton cannot be reached."""
    assert [name for name, service in GPU.items() if "network_mode" in service] == []


def test_what_serves_comes_back() -> None:
    """All but the one that ends by itself."""
    assert {name for name, service in GPU.items() if service.get("restart") != "unless-stopped"} == {"documents"}
