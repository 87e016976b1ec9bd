"""The access document is untrusted: every error names the field, and no error shows a key."""

import json
from typing import Any

import pytest
from inference_api.access.clients import Client, Priority, Quota, Scope
from inference_api.access.document import MAX_CLIENTS, MAX_DOCUMENT_BYTES, MAX_KEYS, parse
from inference_api.access.fields import InvalidAccess

from tests.unit.api.access.made_keys import client, document, key, sha256

LEAKED = key(7)


def with_client(**fields: Any) -> bytes:
    return document(pacs=client(1, **fields))


def with_key(**fields: Any) -> bytes:
    return with_client(keys=[{"sha256": sha256(key(1)), **fields}])


BAD = [
    pytest.param(b"", "the document is empty", id="empty"),
    pytest.param(b"[1]", "the document: must be an object, is a list", id="list"),
    pytest.param(b"{", "not JSON", id="half-written"),
    pytest.param(b"\xff{}", "not JSON", id="not-utf-8"),
    pytest.param(b"[" * 100_000, "not JSON", id="deep"),
    pytest.param(b" " * (MAX_DOCUMENT_BYTES + 1), f"more than {MAX_DOCUMENT_BYTES} bytes", id="too-long"),
    pytest.param(b'{"clients": {}}', "schemaVersion: is missing; this API reads 1", id="no-version"),
    pytest.param(b'{"schemaVersion": 2, "clients": {}}', "schemaVersion: is 2; this API reads 1", id="next-version"),
    pytest.param(b'{"schemaVersion": 1}', "clients: must be an object, is missing", id="no-clients"),
    pytest.param(b'{"schemaVersion": 1, "clients": {}, "x": 1}', "has an unknown field x", id="unknown-field"),
    pytest.param(b'{"schemaVersion": 1, "clients": {"a": {}, "a": {}}}', "a is there twice", id="client-twice"),
    pytest.param(document(Pacs=client(1)), "clients.Pacs: a client's name has", id="capital"),
    pytest.param(document(**{"": client(1)}), "clients.: a client's name has", id="no-name"),
    pytest.param(document(**{"a" * 64: client(1)}), "a client's name has 1 to 63", id="long-name"),
    pytest.param(document(**{LEAKED: client(1)}), "clients.medinfer_7ZZ...", id="key-for-a-name"),
    pytest.param(
        document(**{f"c{n}": client() for n in range(MAX_CLIENTS + 1)}),
        f"clients: there are {MAX_CLIENTS + 1}; at most {MAX_CLIENTS} are read",
        id="too-many-clients",
    ),
    pytest.param(with_client(expire="x"), "clients.pacs: has an unknown field expire; known are", id="misspelt"),
    pytest.param(with_client(**{LEAKED: 1}), "has an unknown field medinfer_7ZZ...", id="key-for-a-field"),
    pytest.param(with_client(scopes=None), "clients.pacs.scopes: must be a list, is missing", id="no-scopes"),
    pytest.param(with_client(scopes="predict"), "clients.pacs.scopes: must be a list", id="scopes-are-text"),
    pytest.param(with_client(scopes=["all"]), "clients.pacs.scopes: must be of predict, status", id="no-such-scope"),
    pytest.param(with_client(scopes=[["predict"]]), "clients.pacs.scopes: must be of predict", id="nested-scope"),
    pytest.param(with_client(priority="high"), "clients.pacs.priority: must be of urgent, normal", id="no-priority"),
    pytest.param(with_client(canary="no"), "clients.pacs.canary: must be true or false", id="text-for-a-flag"),
    pytest.param(with_client(evidence=0), "clients.pacs.evidence: must be true or false, is 0", id="0-for-a-flag"),
    pytest.param(with_client(quota=9), "clients.pacs.quota: must be an object, is 9", id="quota-is-a-number"),
    pytest.param(with_client(quota={"rps": 1}), "clients.pacs.quota: has an unknown field rps", id="no-such-quota"),
    pytest.param(
        with_client(quota={"imagesPerMinute": 0}), "clients.pacs.quota.imagesPerMinute: must be a", id="quota-of-0"
    ),
    pytest.param(
        with_client(quota={"imagesInFlight": True}), "clients.pacs.quota.imagesInFlight: must be a", id="quota-is-true"
    ),
    pytest.param(with_client(keys={}), "clients.pacs.keys: must be a list, is an object", id="keys-are-an-object"),
    pytest.param(with_client(keys=[LEAKED]), "clients.pacs.keys[0]: must be an object, is another text", id="bare-key"),
    pytest.param(with_client(keys=[{"key": LEAKED}]), "clients.pacs.keys[0]: has an unknown field key", id="key-field"),
    pytest.param(with_key(sha256=LEAKED), "clients.pacs.keys[0].sha256: must be the SHA-256 of a key", id="clear-key"),
    pytest.param(with_key(sha256="A" * 64), "clients.pacs.keys[0].sha256: must be the SHA-256", id="capital-digits"),
    pytest.param(with_key(sha256=None), "clients.pacs.keys[0].sha256: must be the SHA-256", id="no-hash"),
    pytest.param(with_key(expires="tomorrow"), "clients.pacs.keys[0].expires: must be a time like", id="word-for-time"),
    pytest.param(with_key(expires="2027-01-31"), "clients.pacs.keys[0].expires: must be a time like", id="date-alone"),
    pytest.param(with_key(expires="2027-01-31T00:00:00"), "keys[0].expires: must be a time like", id="no-time-zone"),
    pytest.param(with_key(expires=1e9), "clients.pacs.keys[0].expires: must be a time like", id="number-for-time"),
    pytest.param(with_key(notBefore="T"), "clients.pacs.keys[0].notBefore: must be a time like", id="not-before"),
    pytest.param(
        with_key(notBefore="2027-02-01T00:00:00Z", expires="2027-01-31T00:00:00Z"),
        "clients.pacs.keys[0].expires: is not after notBefore",
        id="never-valid",
    ),
    pytest.param(with_client(keys=client(1, 1)["keys"]), "clients.pacs.keys[1].sha256: is there twice", id="same-key"),
    pytest.param(
        document(pacs=client(1), ris=client(1)), "clients.ris.keys[0].sha256: is there twice", id="shared-key"
    ),
    pytest.param(
        with_client(keys=[{}] * (MAX_KEYS + 1)), f"clients.pacs.keys: there are {MAX_KEYS + 1}", id="too-many-keys"
    ),
]


@pytest.mark.parametrize(("content", "reason"), BAD)
def test_a_bad_document_is_named_with_its_fix(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidAccess) as caught:
        parse(content)
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert LEAKED not in str(caught.value)


def test_what_is_left_out_has_defaults() -> None:
    access = parse(document(pacs=client(1, 2)))
    pacs = Client("pacs", frozenset([Scope.PREDICT]))
    assert access.clients == (pacs,)
    assert (pacs.canary, pacs.evidence, pacs.priority, pacs.quota) == (True, True, Priority.NORMAL, Quota())
    assert {grant.client for grant in access.grants.values()} == {pacs} and len(access.grants) == 2


def test_every_field_is_read() -> None:
    fields = {
        "keys": [
            {"sha256": sha256(key(1)), "notBefore": "1970-01-01T00:01:00Z", "expires": "1970-01-01T02:00:00+01:00"}
        ],
        "scopes": ["predict", "status"],
        "quota": {"imagesPerMinute": 600, "imagesInFlight": 16},
        "priority": "urgent",
        "canary": False,
        "evidence": False,
    }
    access = parse(document(**{"stroke-unit.ct1": fields}))
    scopes = frozenset([Scope.PREDICT, Scope.STATUS])
    stroke = Client("stroke-unit.ct1", scopes, Quota(600, 16), Priority.URGENT, False, False)
    assert access.clients == (stroke,)
    (grant,) = access.grants.values()
    assert (grant.client, grant.not_before, grant.expires) == (stroke, 60, 3600)


def test_a_document_with_the_most_that_it_may_have_is_read() -> None:
    clients = {f"c{n}": client() for n in range(MAX_CLIENTS)}
    assert len(parse(json.dumps({"schemaVersion": 1, "clients": clients}).encode()).clients) == MAX_CLIENTS
