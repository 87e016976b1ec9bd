"""Tokens of OIDC issuers: what is believed, and what happens while an issuer cannot be asked."""

import asyncio
import base64
import hmac
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inference_api.access import signing_keys, tokens
from inference_api.access.authenticator import Authenticator
from inference_api.access.clients import Scope
from inference_api.access.document import parse
from inference_api.access.fetching import FetchFailed
from inference_api.access.fields import InvalidAccess
from inference_api.access.issuers import Issuer
from inference_api.access.kept_keys import KeptKeys
from inference_api.problems import Problem
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.unit.api.access.made_keys import client, key

CLINIC, CLUSTER = "https://login.example.org/realms/clinic", "https://kubernetes.default.svc"
NOW = 1_800_000_000
EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
with warnings.catch_warnings(action="ignore"):
    WEAK = RSAKey.generate_key(1024, {"kid": "weak"})
NEXT = ECKey.generate_key("P-256", {"kid": "next"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
SECRET = OctKey.import_key(b"secret" * 8, {"kid": "oct"})
ALL = (EC, RSA, WEAK, SECRET)
CLAIMS = {"iss": CLINIC, "aud": "medinfer", "exp": NOW + 600, "sub": "robot", "groups": ["radiology", "it"]}


def document(**issuer: Any) -> bytes:
    issuers = [
        {"issuer": CLINIC, "audience": "medinfer", **issuer},
        {"issuer": CLUSTER, "audience": "x", "cluster": True},
    ]
    clients = {
        "pacs": client(1, tokens=[{"issuer": CLUSTER, "claims": {"sub": "system:serviceaccount:pacs:pacs"}}]),
        "robot": client(tokens=[{"issuer": CLINIC, "claims": {"sub": "robot", "groups": "radiology"}}]),
        "monitor": client(scopes=["status"], tokens=[{"issuer": CLINIC, "claims": {"sub": "monitor"}}]),
    }
    return json.dumps({"schemaVersion": 1, "clients": clients, "issuers": issuers}).encode()


def key_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=isinstance(key, OctKey)) for key in keys]}


def sign(key: Key = EC, algorithm: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> bytes:
    """`None` for a claim leaves it out."""
    merged = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    fields = {"alg": algorithm, "kid": key.kid} | (header or {})
    fields = {name: value for name, value in fields.items() if value is not None}
    lenient = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(fields, merged, key, registry=lenient).encode()


def with_secret(secret: bytes, kid: str) -> bytes:
    """A token of HS256, which joserfc does not make with the text of a public key."""
    text = b".".join((encoded({"alg": "HS256", "kid": kid}), encoded(CLAIMS)))
    return text + b"." + base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")


def altered(token: bytes, **claims: Any) -> bytes:
    head, _, signature = token.split(b".")
    return b".".join((head, encoded(CLAIMS | claims), signature))


def encoded(fields: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=")


class Scene:
    """An authenticator whose issuers answer what `answer` says."""

    def __init__(self, content: bytes | None = None, folder: Path | None = None) -> None:
        self.now, self.asked = float(NOW), list[str]()
        self.answer: Callable[[], object] = lambda: key_set(*ALL)
        kept = KeptKeys(folder, lambda: self.now) if folder else None
        self.authenticator = Authenticator(lambda: self.now, lambda: self.now, self._fetch, kept)
        self.authenticator.apply(parse(content or document()))

    async def _fetch(self, issuer: Issuer) -> object:
        self.asked.append(issuer.issuer)
        await asyncio.sleep(0)
        return self.answer()

    async def client(self, token: bytes, scope: Scope = Scope.PREDICT) -> str:
        headers = [(b"authorization", b"Bearer " + token)]
        return (await self.authenticator.authenticate(headers, scope)).name

    async def refused(self, token: bytes) -> tuple[int, str]:
        with pytest.raises(Problem) as caught:
            await self.client(token)
        assert token.decode(errors="replace") not in caught.value.detail
        return caught.value.status, caught.value.detail

    def fail(self) -> None:
        def answer() -> object:
            raise FetchFailed("connection refused")

        self.answer = answer


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(sign(), id="ec"),
        pytest.param(sign(RSA, "RS256"), id="rsa"),
        pytest.param(sign(RSA, "PS512"), id="rsa-pss"),
        pytest.param(sign(aud=["other", "medinfer"]), id="several-audiences"),
        pytest.param(sign(groups="radiology"), id="group-is-text"),
        pytest.param(sign(exp=NOW - 29), id="within-the-leeway"),
        pytest.param(sign(header={"typ": "at+jwt", "vendor": 1}), id="other-header-fields"),
    ],
)
async def test_a_good_token_names_its_client(token: bytes) -> None:
    assert await Scene().client(token) == "robot"


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        pytest.param(b"x", (401, "not valid here"), id="word"),
        pytest.param(b"a.b", (401, "not valid here"), id="two-parts"),
        pytest.param(b"a.b.c", (401, "not valid here"), id="no-json"),
        pytest.param(sign() + b".x", (401, "not valid here"), id="four-parts"),
        pytest.param(b".".join((encoded([]), encoded([]), b"x")), (401, "not valid here"), id="lists"),
        pytest.param(sign(iss="https://evil.example.org"), (401, "does not know"), id="another-issuer"),
        pytest.param(sign(iss=None), (401, "does not know"), id="no-issuer"),
        pytest.param(sign(iss=[CLINIC]), (401, "does not know"), id="list-of-issuers"),
        pytest.param(sign(STRANGER), (401, "not valid here"), id="signed-by-a-stranger"),
        pytest.param(altered(sign(), sub="admin"), (401, "not valid here"), id="altered"),
        pytest.param(sign(aud="other"), (401, "not valid here"), id="another-audience"),
        pytest.param(sign(aud=None), (401, "not valid here"), id="no-audience"),
        pytest.param(sign(exp=None), (401, "not valid here"), id="never-expires"),
        pytest.param(sign(exp="soon"), (401, "not valid here"), id="expires-soon"),
        pytest.param(sign(exp=NOW - 31), (401, "has expired"), id="expired"),
        pytest.param(sign(nbf=NOW + 100), (401, "not valid here"), id="not-yet-valid"),
        pytest.param(sign(header={"kid": "other"}), (401, "no such signing key"), id="unknown-kid"),
        pytest.param(sign(header={"kid": None}), (401, "no such signing key"), id="no-kid-and-several-keys"),
        pytest.param(sign(RSA, "RS256", {"kid": "weak"}), (401, "no such signing key"), id="weak-key"),
        pytest.param(with_secret(b"secret" * 8, "oct"), (401, "not valid here"), id="symmetric"),
        pytest.param(
            b".".join((encoded({"alg": "none", "kid": "ec"}), encoded(CLAIMS), b"")), (401, "not valid"), id="alg-none"
        ),
        pytest.param(
            with_secret(RSA.as_pem(private=False), "rsa"),
            (401, "not valid here"),
            id="public-key-as-secret",
        ),
        pytest.param(sign(sub="somebody"), (403, "no client"), id="no-client"),
        pytest.param(sign(groups=["it"]), (403, "no client"), id="not-in-the-group"),
        pytest.param(sign(groups={"radiology": 1}), (403, "no client"), id="group-is-an-object"),
        pytest.param(sign(sub="monitor"), (403, "lacks the scope predict"), id="scope"),
    ],
)
async def test_any_other_token_is_refused(token: bytes, refusal: tuple[int, str]) -> None:
    scene = Scene()
    status, detail = await scene.refused(token)
    assert status == refusal[0] and refusal[1] in detail
    assert await scene.client(sign()) == "robot"


async def test_algorithms_can_be_fewer() -> None:
    scene = Scene(document(algorithms=["RS256"]))
    assert (await scene.refused(sign()))[0] == 401
    assert await scene.client(sign(RSA, "RS256")) == "robot"


async def test_a_key_and_a_token_of_a_service_account_are_the_same_client() -> None:
    scene = Scene()
    token = sign(iss=CLUSTER, aud="x", sub="system:serviceaccount:pacs:pacs")
    assert (await scene.client(token), await scene.client(key(1).encode())) == ("pacs", "pacs")
    assert (await scene.refused(sign(iss=CLUSTER, aud="x", sub="system:serviceaccount:other:pacs")))[0] == 403


async def test_a_token_is_verified_once_and_forgotten_when_it_expires() -> None:
    scene = Scene()
    token = sign()
    await scene.client(token)
    scene.authenticator.tokens.keys[CLINIC]._keys.clear()  # type: ignore[union-attr]
    assert await scene.client(token) == "robot"
    scene.now = NOW + 600 + tokens.LEEWAY_SECONDS
    assert await scene.refused(token) == (401, "This token has expired. Get another one.")


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_REMEMBERED", 3)
    scene = Scene()
    for number in range(9):
        await scene.client(sign(jti=str(number)))
    assert scene.authenticator.tokens is not None and len(scene.authenticator.tokens._verified) == 3


async def test_the_issuer_away_costs_no_valid_token_until_its_keys_are_a_day_old() -> None:
    scene = Scene()
    await scene.client(sign())
    scene.fail()
    for hour in range(1, 25):
        scene.now = NOW + hour * 3600 - 1
        await scene.authenticator.refresh()
        assert await scene.client(sign(exp=NOW + 90_000, jti=str(hour))) == "robot"
    last = sign(exp=NOW + 90_000)
    assert await scene.client(last) == "robot"
    assert scene.authenticator.snapshot()["issuers"][CLINIC] == 86_399
    scene.now = NOW + signing_keys.MAX_AGE_SECONDS + 1
    await scene.authenticator.refresh()
    assert (await scene.refused(last))[0] == 503
    scene.answer = lambda: key_set(EC)
    scene.now += signing_keys.RETRY_SECONDS
    await scene.authenticator.refresh()
    assert await scene.client(last) == "robot"


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


@pytest.mark.parametrize(
    ("hours", "spoil", "status"),
    [
        pytest.param(23, None, 200, id="kept"),
        pytest.param(25, None, 503, id="too-old"),
        pytest.param(1, "{", 503, id="half-written"),
        pytest.param(1, '{"readAt": 0}', 503, id="without-keys"),
        pytest.param(1, '{"readAt": 1e99, "keys": {"keys": []}}', 503, id="of-the-future-without-keys"),
    ],
)
async def test_a_worker_that_starts_while_the_issuer_is_away_has_the_keys_of_others(
    tmp_path: Path, hours: int, spoil: str | None, status: int
) -> None:
    await Scene(folder=tmp_path).client(sign())
    if spoil is not None:
        only_file(tmp_path).write_text(spoil)
    later = Scene(folder=tmp_path)
    later.fail()
    later.now += hours * 3600
    token = sign(exp=NOW + 100_000)
    if status == 200:
        assert await later.client(token) == "robot"
        assert later.authenticator.snapshot()["issuers"][CLINIC] == hours * 3600
    else:
        assert (await later.refused(token))[0] == status


async def test_keys_are_kept_for_the_issuer_as_the_document_has_it(tmp_path: Path) -> None:
    await Scene(folder=tmp_path).client(sign())
    other = Scene(document(jwksUri="https://other.example.org/keys"), tmp_path)
    other.fail()
    assert (await other.refused(sign()))[0] == 503


async def test_before_the_first_answer_nobody_is_told_that_his_token_is_bad() -> None:
    scene = Scene()
    scene.fail()
    assert (await scene.refused(sign()))[0] == 503
    assert scene.authenticator.snapshot()["issuers"] == {CLINIC: None, CLUSTER: None}


async def test_an_unknown_kid_asks_the_issuer_once_per_cool_down() -> None:
    scene = Scene()
    await scene.client(sign())
    asked = len(scene.asked)
    for _ in range(50):
        await scene.refused(sign(NEXT))
    assert len(scene.asked) == asked
    scene.now += signing_keys.COOL_DOWN_SECONDS
    scene.answer = lambda: key_set(EC, NEXT)
    assert set(await asyncio.gather(*(scene.client(sign(NEXT)) for _ in range(20)))) == {"robot"}
    assert len(scene.asked) == asked + 1


async def test_a_key_that_was_taken_back_is_not_believed_even_for_a_known_token() -> None:
    scene = Scene()
    token = sign()
    await scene.client(token)
    scene.answer = lambda: key_set(NEXT)
    scene.now += signing_keys.REFRESH_SECONDS
    await scene.authenticator.refresh()
    assert (await scene.refused(token))[0] == 401


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([], id="list"),
        pytest.param({"keys": []}, id="none"),
        pytest.param({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "ec"}]}, id="symmetric-only"),
        pytest.param({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ec"}]}, id="broken-key"),
        pytest.param({"keys": [1, None, {"kty": ["RSA"]}]}, id="nonsense"),
        pytest.param({"keys": [{}] * 100}, id="too-many"),
    ],
)
async def test_an_answer_without_keys_changes_nothing(answer: object) -> None:
    scene = Scene()
    await scene.client(sign())
    scene.answer = lambda: answer
    scene.now += signing_keys.REFRESH_SECONDS
    await scene.authenticator.refresh()
    assert await scene.client(sign(jti="2")) == "robot"


async def test_an_issuer_is_asked_in_the_background_and_when_it_failed_sooner() -> None:
    scene = Scene()
    await scene.authenticator.refresh()
    assert scene.asked == [CLINIC, CLUSTER]
    scene.fail()
    for seconds, asked in ((299, 2), (1, 4), (9, 4), (1, 6)):
        scene.now += seconds
        await scene.authenticator.refresh()
        assert len(scene.asked) == asked


async def test_another_list_of_clients_keeps_what_is_known_of_the_issuers() -> None:
    scene = Scene()
    await scene.client(sign())
    scene.fail()
    scene.authenticator.apply(parse(document().replace(b'"robot": {', b'"androids": {')))
    assert await scene.client(sign()) == "androids"


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        pytest.param({"issuer": "http://x"}, "issuers[0].issuer: must be an https:// address", id="http"),
        pytest.param({"issuer": CLUSTER}, "issuers[1].issuer: is there twice", id="twice"),
        pytest.param({"audience": None}, "issuers[0].audience: must be a text of 1 to 512", id="no-audience"),
        pytest.param({"audience": ["a"]}, "issuers[0].audience: must be a text", id="list-of-audiences"),
        pytest.param({"jwksUri": "https://user@x/"}, "issuers[0].jwksUri: must be an https://", id="user-in-address"),
        pytest.param({"ca": "/etc/ca.crt"}, "issuers[0].ca: must be the certificates", id="path-for-ca"),
        pytest.param({"cluster": True, "jwksUri": "https://x"}, "issuers[0]: cluster says where", id="two-places"),
        pytest.param({"algorithms": ["HS256"]}, "issuers[0].algorithms: must be some of RS256", id="symmetric"),
        pytest.param({"algorithms": ["none"]}, "issuers[0].algorithms: must be some of", id="none"),
        pytest.param({"algorithms": []}, "issuers[0].algorithms: must be some of", id="no-algorithm"),
        pytest.param({"aud": "x"}, "issuers[0]: has an unknown field aud", id="misspelt"),
    ],
)
def test_a_bad_issuer_is_named_with_its_fix(issuer: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidAccess) as caught:
        parse(document(**issuer))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        pytest.param({"claims": {"sub": "a"}}, "clients.a.tokens[0].issuer: is none of issuers", id="no-issuer"),
        pytest.param({"issuer": "https://y", "claims": {}}, ".issuer: is none of issuers", id="unknown-issuer"),
        pytest.param({"issuer": "https://x"}, ".claims: must be an object, is missing", id="no-claims"),
        pytest.param({"issuer": "https://x", "claims": {}}, ".claims: must have 1 to 8 claims", id="every-token"),
        pytest.param({"issuer": "https://x", "claims": {"sub": ""}}, ".claims.sub: must be a text", id="empty-claim"),
        pytest.param({"issuer": "https://x", "claims": {"sub": True}}, ".claims.sub: must be a text", id="true"),
        pytest.param({"issuer": "https://x", "subject": "a"}, "unknown field subject; known are", id="misspelt"),
    ],
)
def test_a_bad_rule_is_named_with_its_fix(rule: dict[str, Any], reason: str) -> None:
    issuers = [{"issuer": "https://x", "audience": "a"}]
    content = json.dumps({"schemaVersion": 1, "issuers": issuers, "clients": {"a": client(tokens=[rule])}}).encode()
    with pytest.raises(InvalidAccess) as caught:
        parse(content)
    assert reason in str(caught.value)
