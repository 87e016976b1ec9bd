"""kubeconform, with schemas made of what our own API server says of its kinds, CRDs among them."""

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ci.stack.control_plane import binary

Json = dict[str, Any]

FILE_NAME = "{{.ResourceKind}}{{.KindSuffix}}.json"
PREFIX = "#/definitions/"
# OpenAPI 2 has no word for two types; these are both a number and a string.
BOTH = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["number", "string"]},
}


def write_schemas(openapi: Json, kinds: set[tuple[str, str]], folder: Path) -> None:
    """openapi: the answer of /openapi/v2. kinds: (apiVersion, kind)."""
    definitions = {name: BOTH.get(name) or strict(node) for name, node in openapi["definitions"].items()}
    for name, node in openapi["definitions"].items():
        for known in node.get("x-kubernetes-group-version-kind", ()):
            group, version, kind = known["group"], known["version"], known["kind"]
            if (f"{group}/{version}".lstrip("/"), kind) in kinds:
                reached = {one: definitions[one] for one in _reached(name, definitions)}
                suffix = "-".join(part for part in (group.split(".")[0], version) if part)
                schema = {"$ref": PREFIX + name, "definitions": reached}
                (folder / f"{kind.lower()}-{suffix}.json").write_text(json.dumps(schema))


def check(manifest: str, folder: Path) -> str:
    """What it found wrong, one line each; empty when all is well."""
    options = ["-strict", "-summary=false", f"-schema-location={folder}/{FILE_NAME}"]
    done = subprocess.run([str(binary("kubeconform")), *options, "-"], input=manifest, capture_output=True, text=True)
    return done.stdout + done.stderr


def strict(node: Json) -> Json:
    """A copy that knows no other fields than those that are named."""
    node = copy.deepcopy(node)
    for part in _nodes(node):
        is_open = part.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in part
        if "properties" in part and not is_open:
            part["additionalProperties"] = False
    return node


def _nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(part)


def _reached(name: str, definitions: Json) -> set[str]:
    found, todo = set(), [name]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += [part["$ref"].removeprefix(PREFIX) for part in _nodes(definitions[one]) if "$ref" in part]
    return found
