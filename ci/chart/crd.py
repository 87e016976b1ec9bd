"""Read the ModelRollout's CustomResourceDefinition, from which the other modules generate."""

from typing import Any

import yaml

from ci.stack.folders import ROOT

Json = dict[str, Any]

CRD = ROOT / "charts" / "medinfer" / "crds" / "modelrollouts.yaml"


def read_version() -> Json:
    """Return the entry of `spec.versions`: the CRD has exactly one."""
    crd = yaml.safe_load(CRD.read_text())
    (version,) = crd["spec"]["versions"]
    found: Json = version
    return found


def read_part(name: str) -> Json:
    """Return the OpenAPI schema of `spec` or `status`."""
    part: Json = read_version()["schema"]["openAPIV3Schema"]["properties"][name]
    return part
