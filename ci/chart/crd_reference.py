"""The tables of docs/modelrollout.md: each field of the CRD with type, default, constraints and description."""

from collections.abc import Iterator
from dataclasses import dataclass

from ci.chart.crd import Json, read_part, read_version
from ci.chart.generated import Generated
from ci.stack.folders import ROOT

PAGE = Generated(
    ROOT / "docs" / "modelrollout.md", "<!-- fields: make chart-docs -->", "<!-- end of the generated fields -->"
)
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


@dataclass(frozen=True)
class Field:
    """One field.

    `path` is written as `spec.strategy.steps[].pause`: `[]` is an item of a list, `.*` a value of a map. `like` is the
    path of an earlier object with the same fields, or None.
    """

    path: str
    node: Json
    is_required: bool
    like: str | None


def build() -> str:
    """Return the generated part of the page: the fields of spec, those of status, and the columns of kubectl get."""
    fields = [table(part) for part in ("spec", "status")]
    return "\n\n".join([*fields, "## Columns of `kubectl get modelrollouts`", columns()])


def table(part: str) -> str:
    """Return the heading and the table of `spec` or `status`."""
    rows = [row(field) for field in read_fields(part, read_part(part), [])]
    head = ["| field | type | default | constraints | description |", "|---|---|---|---|---|"]
    return "\n".join([f"## `{part}`", "", *head, *rows])


def read_fields(path: str, node: Json, written: list[tuple[Json, str]]) -> Iterator[Field]:
    """Yield the fields below `path`, parents first.

    `written` collects (properties, path) of each object, so that equal objects are listed once.
    """
    properties = node.get("properties", {})
    written.append((properties, path))
    for name, child in properties.items():
        inner_path, inner = innermost(f"{path}.{name}", child)
        like = same_as(inner.get("properties", {}), written)
        yield Field(f"{path}.{name}", child, name in node.get("required", ()), like)
        if like is None and "properties" in inner:
            yield from read_fields(inner_path, inner, written)


def innermost(path: str, node: Json) -> tuple[str, Json]:
    """Return the items of a list and the values of a map, however deep, in place of the list or map itself."""
    if "items" in node:
        return innermost(f"{path}[]", node["items"])
    if "additionalProperties" in node:
        return innermost(f"{path}.*", node["additionalProperties"])
    return path, node


def same_as(properties: Json, written: list[tuple[Json, str]]) -> str | None:
    """Return the path of the earlier object with these properties, or None."""
    return next((path for earlier, path in written if earlier == properties), None)


def row(field: Field) -> str:
    """Return the field's line of the table."""
    description = field.node.get("description", "") + (f" Has the fields of `{field.like}`." if field.like else "")
    default = f"`{to_text(field.node['default'])}`" if field.node.get("default", {}) != {} else ""
    cells = (f"`{field.path}`", type_of(field.node), default, "; ".join(constraints(field)), description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def type_of(node: Json) -> str:
    """Return Kubernetes' notation: `[]string` is a list of strings, `map[string]object` a map."""
    if "items" in node:
        return f"[]{type_of(node['items'])}"
    if "additionalProperties" in node:
        return f"map[string]{type_of(node['additionalProperties'])}"
    return str(node.get("format") if node.get("format") == "date-time" else node["type"])


def constraints(field: Field) -> Iterator[str]:
    """Yield what the API server checks: limits, allowed values, and the messages of the CEL rules (of items, too)."""
    if field.is_required:
        yield "required"
    path, inner = innermost(field.path, field.node)
    for prefix, node in [("", field.node), *([("each: ", inner)] if path != field.path else [])]:
        for key, text in LIMITS.items():
            if key in node:
                is_any = node[key] == 1 and key in ("minLength", "minItems")
                yield prefix + ("not empty" if is_any else text.format(node[key]))
        if "enum" in node:
            yield prefix + "one of " + ", ".join(f"`{value}`" for value in node["enum"])
        yield from (f'{prefix}"{rule["message"]}"' for rule in node.get("x-kubernetes-validations", ()))


def columns() -> str:
    """Return the table of the columns that kubectl prints."""
    rows = [
        f"| {one['name']} | `{one['jsonPath']}` | {one['description']} |"
        for one in read_version()["additionalPrinterColumns"]
    ]
    return "\n".join(["| column | field | description |", "|---|---|---|", *rows])


def to_text(value: object) -> str:
    """Return a default as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value)
