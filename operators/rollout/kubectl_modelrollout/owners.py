"""Who manages the fields of an object, as the API server notes it in metadata.managedFields.

Whoever changes a field becomes its manager, and takes it from whoever applied it. The next server-side apply of a
release then ends in a conflict. An edit in an emergency shall leave each field with its owner.
"""

from rollout_operator.documents.codec import Json

Owners = list[Json]

MANAGER = "kubectl-modelrollout"


def give_back(now: Owners, before: Owners) -> Owners:
    """`now` without our share of the spec, and with what each other had of it before."""
    others = [entry for entry in now if entry["manager"] != MANAGER or _is_of_status(entry)]
    kept = {_key(entry): entry for entry in others}
    for entry in before:
        if entry["manager"] == MANAGER or _is_of_status(entry):
            continue
        there = kept.get(_key(entry))
        kept[_key(entry)] = there | {"fieldsV1": _union(there["fieldsV1"], _spec(entry))} if there else entry
    return list(kept.values())


def _key(entry: Json) -> tuple[str, ...]:
    return tuple(entry.get(name, "") for name in ("manager", "operation", "apiVersion", "subresource"))


def _is_of_status(entry: Json) -> bool:
    return bool(entry.get("subresource"))


def _spec(entry: Json) -> Json:
    return {name: fields for name, fields in entry["fieldsV1"].items() if name == "f:spec"}


def _union(one: Json, other: Json) -> Json:
    """Of two sets of fields, each a tree of names."""
    return one | {name: _union(one.get(name, {}), fields) for name, fields in other.items()}
