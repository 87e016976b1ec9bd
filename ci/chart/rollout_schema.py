"""The schema of `rollout` in values.schema.json, from the CRD's spec, so that helm refuses what the API server would.

tritonRef and apiRef are left out, because the chart sets them. So are CEL rules, which only the API server evaluates.
"""

from ci.chart.crd import Json, read_part

KEPT = ("type", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "enum")
MADE_BY_THE_CHART = ("tritonRef", "apiRef")
DIGEST = r"^sha256:[0-9a-f]{64}$"


def build() -> Json:
    """Return the JSON schema. With `enabled` true it also requires an artifact with address and digest."""
    spec = read_part("spec")
    properties = {name: closed(part) for name, part in spec["properties"].items() if name not in MADE_BY_THE_CHART}
    own = {"enabled": {"type": "boolean"}, "name": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}}
    artifact = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"uri": {"type": "string"}, "digest": {"type": "string"}},
    }
    given = {"properties": {"uri": {"minLength": 1}}}
    acceptance = artifact | {"if": given, "then": {"properties": {"digest": {"pattern": DIGEST}}}}
    wanted = {"uri": {"type": "string", "minLength": 1}, "digest": {"type": "string", "pattern": DIGEST}}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": own | properties | {"artifact": artifact, "acceptance": acceptance},
        "if": {"properties": {"enabled": {"const": True}}},
        "then": {"properties": {"artifact": {"properties": wanted}}},
    }


def closed(node: Json) -> Json:
    """Return the node with the keywords that JSON schema shares with the CRD; unknown properties are refused."""
    found: Json = {key: node[key] for key in KEPT if key in node}
    if "items" in node:
        found["items"] = closed(node["items"])
    if "properties" in node:
        found["properties"] = {name: closed(part) for name, part in node["properties"].items()}
        found["additionalProperties"] = False
        if "required" in node:
            found["required"] = node["required"]
    return found
