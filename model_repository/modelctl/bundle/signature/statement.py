"""What is signed: an in-toto statement whose one resource is the bundle's tar, by its SHA-256.

Model Signing writes the same for a model that is one file: the resource is called `.`, and the subject's digest is the
SHA-256 over the raw digests of all resources, here of the one.
"""

import hashlib
import json
import re
from typing import Any

from modelctl.bundle.errors import BadSignature
from modelctl.bundle.signature.envelope import read_object

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
ONE_FILE = "."
_PREFIX = "sha256:"


def build(digest: str, name: str) -> bytes:
    """The statement that the tar with this `sha256:<hex>` is signed. `name` is for people: no reader relies on it."""
    resource = {"algorithm": "sha256", "digest": digest.removeprefix(_PREFIX), "name": ONE_FILE}
    predicate = {
        "resources": [resource],
        "serialization": {"allow_symlinks": False, "hash_type": "sha256", "method": "files"},
    }
    subject = {"digest": {"sha256": _root(resource["digest"])}, "name": name}
    statement = {
        "_type": STATEMENT_TYPE,
        "predicate": predicate,
        "predicateType": PREDICATE_TYPE,
        "subject": [subject],
    }
    return json.dumps(statement, separators=(",", ":"), sort_keys=True).encode()


def signed_digest(payload: bytes) -> str:
    """`sha256:<hex>` of the tar that the statement is about. Raises BadSignature."""
    statement = read_object(payload, "the signed statement")
    for field, wanted in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if statement.get(field) != wanted:
            raise BadSignature(f"{field} of the signed statement is not {wanted}; sign the bundle with modelctl sign")
    predicate = statement.get("predicate")
    serialization = predicate.get("serialization") if isinstance(predicate, dict) else None
    if not isinstance(serialization, dict) or serialization.get("method") != "files":
        raise BadSignature("the signed statement does not name whole files; sign the .tar itself, not in shards")
    digest = _only_resource(predicate)
    if _subject(statement) != _root(digest):
        raise BadSignature("subject and resources of the signed statement contradict each other; sign the bundle again")
    return _PREFIX + digest


def _only_resource(predicate: Any) -> str:
    resources = predicate.get("resources")
    one = resources[0] if isinstance(resources, list) and len(resources) == 1 else None
    if not isinstance(one, dict) or one.get("name") != ONE_FILE:
        raise BadSignature("the signed statement is about a folder, not about one file; sign the .tar itself")
    digest = one.get("digest")
    if one.get("algorithm") != "sha256" or not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise BadSignature("the signed statement has no sha256 of the bundle; sign it with modelctl sign")
    return digest


def _subject(statement: dict[str, Any]) -> object:
    subjects = statement.get("subject")
    one = subjects[0] if isinstance(subjects, list) and len(subjects) == 1 else None
    digests = one.get("digest") if isinstance(one, dict) else None
    return digests.get("sha256") if isinstance(digests, dict) else None


def _root(digest: str) -> str:
    return hashlib.sha256(bytes.fromhex(digest)).hexdigest()
