"""When somebody wrote which version a ModelRollout wants, as the API server remembers it for each field's manager."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_NAMES_THE_RELEASE = {"f:version", "f:artifact"}


def edited_at(metadata: Mapping[str, Any]) -> int | None:
    """Seconds since 1970: the last write of a manager that owns `spec.version` or `spec.artifact`. None: nobody does.

    It may have been about other fields: the API server keeps one time for all fields of a manager
    (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
    """
    entries = metadata.get("managedFields") or ()
    times = [datetime.fromisoformat(entry["time"]).timestamp() for entry in entries if _owns_release(entry)]
    return int(max(times)) if times else None


def _owns_release(entry: Mapping[str, Any]) -> bool:
    owned = entry.get("fieldsV1") or {}
    return bool(entry.get("time") and _NAMES_THE_RELEASE & (owned.get("f:spec") or {}).keys())
