"""What is pinned in several files is pinned to the same version in all of them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.stack.folders import ROOT
from ci.statements import Place, differing, read, write
from tests.unit.ci import copies


@dataclass(frozen=True)
class Pin:
    """`source` is the file to change first; `copies` follow it."""

    name: str
    source: Place
    copies: tuple[Place, ...]


def images(pattern: str, *but: str) -> tuple[Place, ...]:
    """The Dockerfiles of what runs on Python."""
    folders = ("services/api", "services/triton", "operators/rollout", "model_repository")
    return tuple(Place(f"{folder}/Dockerfile", pattern) for folder in folders if folder not in but)


BASE, UV = r"^ARG BASE=(\S+)$", r"^ARG UV_VERSION=(\S+)$"
TRITON = r"nvcr\.io/nvidia/tritonserver:([\w.-]+(?:@sha256:[0-9a-f]{64})?)"
KUBERNETES = r"[Kk]ube(?:rnetes|-apiserver|-scheduler) (\d+\.\d+\.\d+)"
PINS = (
    Pin("base image", Place("services/api/Dockerfile", BASE), images(BASE, "services/api")),
    Pin("uv", Place("Makefile", r"^UV_VERSION := (\S+)$"), images(UV)),
    Pin(
        "Triton image",
        Place("charts/medinfer/values.yaml", rf"^  image: {TRITON}$"),
        (
            Place("compose.yaml", rf"^    image: {TRITON}$"),
            Place("charts/medinfer/README.md", rf"`\"{TRITON}\"`"),
            Place("docs/air-gapped.md", rf"docker://{TRITON} "),
        ),
    ),
    Pin(
        "Kubernetes",
        Place("ci/cluster/modules/kubernetes/go.mod", r"^\tk8s\.io/kubernetes v(\S+)"),
        (
            Place("tests/harness/chart/helm.py", r'^KUBERNETES = "(.+)"$'),
            Place("README.md", KUBERNETES),
            Place("docs/tested.md", KUBERNETES),
        ),
    ),
)
pins = pytest.mark.parametrize("pin", [pytest.param(pin, id=pin.name) for pin in PINS])


@pins
def test_all_places_agree(pin: Pin) -> None:
    [source] = read(ROOT, [pin.source])
    assert differing(read(ROOT, pin.copies), source.value) == []


@pins
def test_a_place_that_differs_is_named(pin: Pin, tmp_path: Path) -> None:
    root = copies.copy([pin.source, *pin.copies], tmp_path)
    write(root, pin.copies, "1.1.1")
    assert differing(read(root, pin.copies), "9.9.9") == [str(one) for one in read(root, pin.copies)]
    assert differing(read(root, pin.copies), "1.1.1") == []


@pins
def test_no_other_file_states_it(pin: Pin) -> None:
    [source] = read(ROOT, [pin.source])
    places = {str(one.path) for one in read(ROOT, [pin.source, *pin.copies])}
    assert copies.mentioning(source.value) - places == set()
