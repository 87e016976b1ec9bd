"""Who a request is from, and what it is told when that is nobody."""

import pytest
from inference_api.access.authenticator import Authenticator
from inference_api.access.clients import Scope
from inference_api.access.document import parse
from inference_api.problems import Problem

from tests.unit.api.access.made_keys import client, document, key, sha256

OLD, NEW, OTHER = key(1), key(2), key(3)
LATER, PAST = key(4), key(5)
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
DOCUMENT = document(
    pacs=client(1, 2),
    monitor=client(3, scopes=["status"]),
    rotating={
        "scopes": ["predict"],
        "keys": [
            {"sha256": sha256(LATER), "notBefore": "2027-01-15T08:00:01Z"},
            {"sha256": sha256(PAST), "expires": "2027-01-15T08:00:00Z"},
            {"sha256": sha256(key(6)), "notBefore": "2027-01-15T08:00:00Z", "expires": "2027-01-15T08:00:01Z"},
        ],
    },
)


def authenticator(content: bytes | None = DOCUMENT) -> Authenticator:
    made = Authenticator(lambda: NOW)
    if content:
        made.apply(parse(content))
    return made


def bearer(secret: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"authorization", f"Bearer {secret}".encode())]


def raw(name: str, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value)]


def mistyped(key: str) -> str:
    return key.replace("Z", "Y", 1)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        pytest.param(bearer(OLD), "pacs", id="key"),
        pytest.param(bearer(NEW), "pacs", id="second-key"),
        pytest.param(raw("authorization", f"bEARER  {OLD}".encode()), "pacs", id="scheme-in-other-case"),
        pytest.param(raw("x-api-key", OLD.encode()), "pacs", id="x-api-key"),
        pytest.param(bearer(key(6)), "rotating", id="in-its-only-second"),
    ],
)
async def test_a_key_names_its_client(headers: list[tuple[bytes, bytes]], name: str) -> None:
    scene = authenticator()
    assert (await scene.authenticate(headers, Scope.PREDICT)).name == name
    assert scene.snapshot()["requests"] == {"pacs": 0, "monitor": 0, "rotating": 0} | {name: 1}


@pytest.mark.parametrize(
    ("headers", "kind", "detail"),
    [
        pytest.param([], "no-credentials", "Send a key", id="no-header"),
        pytest.param(raw("cookie", OLD.encode()), "no-credentials", "Send a key", id="cookie"),
        pytest.param(raw("authorization", b""), "bad-credentials", "cannot be read", id="empty-header"),
        pytest.param(raw("authorization", b"Bearer "), "bad-credentials", "cannot be read", id="no-key"),
        pytest.param(raw("authorization", OLD.encode()), "bad-credentials", "cannot be read", id="no-scheme"),
        pytest.param(raw("authorization", b"Basic YTpi"), "bad-credentials", "Bearer KEY", id="basic"),
        pytest.param(raw("authorization", b"Bearer a b"), "bad-credentials", "cannot be read", id="two-words"),
        pytest.param(raw("authorization", b"Bearer \xff"), "bad-credentials", "cannot be read", id="no-ascii"),
        pytest.param(bearer("a" * 10_000), "bad-credentials", "cannot be read", id="endless"),
        pytest.param(raw("x-api-key", b""), "bad-credentials", "X-API-Key: KEY", id="empty-x-api-key"),
        pytest.param(bearer(OLD) * 2, "bad-credentials", "more than one key", id="header-twice"),
        pytest.param(bearer(OLD) + raw("x-api-key", OLD.encode()), "bad-credentials", "more than one", id="both"),
        pytest.param(bearer(mistyped(OLD)), "bad-credentials", "typing error", id="wrong-checksum"),
        pytest.param(bearer(OLD[:-1]), "bad-credentials", "typing error", id="cut-off"),
        pytest.param(bearer(OLD.lower()), "bad-credentials", "typing error", id="lower-case"),
        pytest.param(bearer("secret"), "bad-credentials", "typing error", id="another-word"),
        pytest.param(bearer(sha256(OLD)), "bad-credentials", "typing error", id="hash-of-a-key"),
        pytest.param(bearer(key(9)), "bad-credentials", "unknown or was revoked", id="unknown"),
        pytest.param(bearer(LATER), "bad-credentials", "not valid yet", id="not-yet-valid"),
        pytest.param(bearer(PAST), "bad-credentials", "expired", id="expired-now"),
    ],
)
async def test_nobody_is_told_what_to_do(headers: list[tuple[bytes, bytes]], kind: str, detail: str) -> None:
    scene = authenticator()
    with pytest.raises(Problem, match=detail) as caught:
        await scene.authenticate(headers, Scope.PREDICT)
    problem = caught.value
    assert (problem.status, problem.kind) == (401, kind)
    assert problem.headers["WWW-Authenticate"].startswith('Bearer realm="medinfer"')
    assert not any(value.decode("latin-1") in problem.detail for _, value in headers if len(value) > 9)
    assert sum(scene.snapshot()["requests"].values()) == 0


async def test_a_missing_scope_is_named() -> None:
    with pytest.raises(Problem, match="lacks the scope predict") as caught:
        await authenticator().authenticate(bearer(OTHER), Scope.PREDICT)
    assert (caught.value.status, caught.value.kind) == (403, "scope-missing")
    assert 'error="insufficient_scope", scope="predict"' in caught.value.headers["WWW-Authenticate"]
    assert (await authenticator().authenticate(bearer(OTHER), Scope.STATUS)).name == "monitor"


async def test_a_word_in_the_document_opens_nothing() -> None:
    """A person may have hashed a password: only what has a key's form is looked up."""
    scene = authenticator(document(pacs={"scopes": ["predict"], "keys": [{"sha256": sha256("password")}]}))
    with pytest.raises(Problem, match="no key of medinfer"):
        await scene.authenticate(bearer("password"), Scope.PREDICT)


async def test_a_revoked_key_ends_with_the_next_document() -> None:
    scene = authenticator()
    await scene.authenticate(bearer(OLD), Scope.PREDICT)
    scene.apply(parse(document(pacs=client(2))))
    with pytest.raises(Problem, match="unknown or was revoked"):
        await scene.authenticate(bearer(OLD), Scope.PREDICT)
    await scene.authenticate(bearer(NEW), Scope.PREDICT)
    assert scene.snapshot()["requests"] == {"pacs": 2}


async def test_without_a_document_nobody_is_let_in_and_nobody_told_that_his_key_is_bad() -> None:
    with pytest.raises(Problem) as caught:
        await authenticator(None).authenticate(bearer(OLD), Scope.PREDICT)
    assert (caught.value.status, caught.value.kind) == (503, "access-unknown")
