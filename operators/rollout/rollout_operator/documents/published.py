"""Reading back what the operator itself published: somebody may have emptied, edited or replaced it since."""

import json
from typing import TypeVar

from rollout_operator.documents.codec import SCHEMA_VERSION, InvalidDocument, canonical_id, read

T = TypeVar("T")


def read_published(kind: type[T], content: str) -> T:
    """Raises InvalidDocument unless the content is whole: of this schema, and with the id of what it says."""
    if not content.strip():
        raise InvalidDocument(("the document is empty",))
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument((f"the document is not JSON ({str(error)[:100]})",)) from None
    if not isinstance(document, dict):
        raise InvalidDocument(("the document must be a JSON object",))
    if document.get("schemaVersion") != SCHEMA_VERSION:
        raise InvalidDocument((f"schemaVersion: is {document.get('schemaVersion')!r}; {SCHEMA_VERSION} is read",))
    if document.get("id") != canonical_id(document):
        raise InvalidDocument(("id: is not the sha256 of the content; it was edited by hand",))
    return read(kind, content)
