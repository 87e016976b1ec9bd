"""The schema of `rollout` in values.schema.json: the CRD's spec, closed: helm refuses what the API server would.

The references are left out, as the chart makes them itself, and so are CEL rules, which are the API server's.
"""

from typing import Any

import yaml

from ci.stack.folders import ROOT

Json = dict[str, Any]

CRD = ROOT / "charts" / "medinfer" / "crds" / "modelrollouts.yaml"
KEPT = ("type", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "enum")
MADE_BY_THE_CHART = ("tritonRef", "apiRef")
DIGEST = r"^sha256:[0-9a-f]{64}$"


def build() -> Json:
    spec = read_spec()
    properties = {name: closed(part) for name, part in spec["properties"].items() if name not in MADE_BY_THE_CHART}
    own = {"enabled": {"type": "boolean"}, "name": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}}
    artifact = properties["artifact"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"uri": {"type": "string"}, "digest": {"type": "string"}},
    }
    wanted = {"uri": {"type": "string", "minLength": 1}, "digest": {"type": "string", "pattern": DIGEST}}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": own | properties | {"artifact": artifact},
        "if": {"properties": {"enabled": {"const": True}}},
        "then": {"properties": {"artifact": {"properties": wanted}}},
    }


def read_spec() -> Json:
    crd = yaml.safe_load(CRD.read_text())
    spec: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def closed(node: Json) -> Json:
    found: Json = {key: node[key] for key in KEPT if key in node}
    if "items" in node:
        found["items"] = closed(node["items"])
    if "properties" in node:
        found["properties"] = {name: closed(part) for name, part in node["properties"].items()}
        found["additionalProperties"] = False
        if "required" in node:
            found["required"] = node["required"]
    return found
