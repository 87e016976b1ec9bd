"""model.json reads back as it was written, and says the same to the API's routes."""

import json
from dataclasses import replace

import pytest
from modelctl.bundle import manifest
from modelctl.bundle.manifest import Intensity, Percentile, Voi, Window


@pytest.mark.parametrize(
    "intensity, document",
    [
        pytest.param(None, None, id="none"),
        pytest.param(Window(40, 80), {"kind": "window", "center": 40, "width": 80}, id="window"),
        pytest.param(Percentile(0.5, 99.5), {"kind": "percentile", "low": 0.5, "high": 99.5}, id="percentile"),
        pytest.param(Voi(), {"kind": "voi"}, id="voi"),
    ],
)
def test_reads_back_what_it_writes(
    contents: dict[str, bytes], intensity: Intensity | None, document: dict[str, object] | None
) -> None:
    found = manifest.parse(contents["model.json"])
    changed = replace(found, preprocessing=replace(found.preprocessing, intensity=intensity))
    written = manifest.to_json(changed)
    assert written["preprocessing"]["intensity"] == document
    assert manifest.parse(json.dumps(written).encode()) == changed


def test_a_manifest_cannot_be_changed(contents: dict[str, bytes]) -> None:
    found = manifest.parse(contents["model.json"])
    with pytest.raises(TypeError):
        found.files["model.onnx"] = found.files["golden.npz"]  # type: ignore[index]
