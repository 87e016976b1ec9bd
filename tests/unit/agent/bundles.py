"""Small bundles, made once, without Triton or ONNX Runtime."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from modelctl.assemble import Parts, assemble
from modelctl.bundle import contract
from modelctl.bundle.golden import Golden
from modelctl.bundle.manifest import Preprocessing
from modelctl.declaration import config_text
from replica_agent.plan import Release

from ci.stack.documents import digest_of

CONFIG = (Path(__file__).parents[3] / "model_repository/resnet_medical/config.pbtxt").read_bytes()

# ModelProto with opset_import {domain: "", version: 17}, an empty graph, and nothing else
ONNX = b"\x42\x04\x0a\x00\x10\x11\x3a\x00"

PARTS = Parts(
    version=1,
    contract=contract.first(("Glioma", "Meningioma", "Pituitary", "No Tumor")),
    preprocessing=Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None),
    onnx=ONNX,
    config=CONFIG,
    golden=Golden(np.zeros((1, 3, 224, 224), np.float32), np.full((1, 4), 0.25, np.float32)),
    memory_bytes=1000,
    provenance={},
)


FINDINGS = contract.Contract(
    contract.Input("picture", (1, 8, 6)), contract.Output("findings", "sigmoid", ("Effusion", "Nodule"), (0.5, 0.25))
)
OF_FINDINGS = {
    "preprocessing": Preprocessing("bicubic", 1 / 255, (0.0,), (1.0,), None),
    "config": config_text("chest", FINDINGS),
    "golden": Golden(np.zeros((1, 1, 8, 6), np.float32), np.full((1, 2), 0.75, np.float32), "sigmoid", True),
}


@cache
def bundle(version: int) -> Path:
    return make(version=version)


def make(**changes: Any) -> Path:
    """A valid bundle with `changes` (fields of Parts)."""
    return assemble(replace(PARTS, **changes), Path(mkdtemp()))[0]


def release(version: int) -> Release:
    """The release by which a plan names `bundle(version)`."""
    path = bundle(version)
    return Release(version=version, uri=path.as_uri(), digest=digest_of(path))
