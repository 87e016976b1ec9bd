"""The agent's fetch against a real registry: passwords, tokens, a registry that dies on the way, a redirect."""

import json
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.reference import parse
from modelctl.registry.client import Client, Trust
from modelctl.registry.push import bring
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.plan import parse_plan
from replica_agent.state import Progress
from replica_agent.store.download import download
from replica_agent.store.errors import Refused, StoreError
from replica_agent.store.rules import Rules

from ci.stack.certificates import Authority
from ci.stack.registry import Registry
from ci.stack.waiting import wait_until
from tests.harness.objectstore import http_store
from tests.harness.registry.file_host import FileHost
from tests.harness.registry.token_issuer import TokenIssuer
from tests.integration.registry.conftest import ADDRESS, PASSWORD, USER, write_login

pytestmark = pytest.mark.integration

REALM, CDN = "127.0.31.41", "127.0.31.42"
CONTENT = random.Random(7).randbytes(24 << 20)

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Stored:
    """`digest`: the bundle's."""

    uri: str
    digest: str


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As large as a small model, so that it is under way when something happens. No test here looks into it."""
    path = tmp_path_factory.mktemp("content") / "m-2.tar"
    path.write_bytes(CONTENT)
    return path


def store(registry: Registry, authority: Authority, content: Path) -> Stored:
    to = parse(f"oci://{registry.host}/models/m")
    client = Client(to, Credential(USER, PASSWORD), Trust(authority.certificate))
    return Stored(*bring(content, 2, to, client))


@pytest.fixture(scope="module")
def stored(registry: Registry, authority: Authority, content: Path) -> Stored:
    return store(registry, authority, content)


@pytest.fixture
def rules(registry: Registry, authority: Authority, tmp_path: Path) -> Rules:
    return rules_for(registry, authority, tmp_path)


def rules_for(registry: Registry, authority: Authority, folder: Path, *prefixes: str) -> Rules:
    return Rules(
        (f"oci://{registry.host}/models/", *prefixes),
        allow_local_addresses=True,
        ca_file=authority.certificate,
        pull_secret_file=write_login(registry.host, folder / "config.json"),
    )


def fetch(stored: Stored, folder: Path, rules: Rules, on_bytes: OnBytes = lambda received: None) -> bool:
    """Whether the right bytes came."""
    target = folder / "target"
    digest = download(stored.uri, target, lambda received, total: on_bytes(received), rules, stored.digest)
    return digest == stored.digest and target.read_bytes() == CONTENT


def once(act: Callable[[], None]) -> OnBytes:
    """Acts when the first bytes are there."""
    done: list[int] = []

    def on_bytes(received: int) -> None:
        if received and not done:
            done.append(received)
            act()

    return on_bytes


def layers(registry: Registry) -> list[tuple[int, int]]:
    """Status and bytes of each answer with a layer, from the access log."""
    found = re.findall(r'"GET /v2/\S+/blobs/\S+ HTTP/1.1" (\d+) (\d+)', registry.log.read_text())
    return [(int(status), int(size)) for status, size in found]


def test_with_the_pull_secret(stored: Stored, rules: Rules, tmp_path: Path) -> None:
    assert fetch(stored, tmp_path, rules)


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        pytest.param(None, "asks for a password; give the Secret of triton.agent.pullSecretName", id="none"),
        pytest.param("guess", r"the registry refuses \(HTTP 401\); give the Secret", id="wrong"),
    ],
)
def test_without_the_right_password(
    registry: Registry, stored: Stored, rules: Rules, tmp_path: Path, secret: str | None, message: str
) -> None:
    file = secret and write_login(registry.host, tmp_path / "other.json", secret)
    with pytest.raises(Refused, match=message) as refused:
        fetch(stored, tmp_path, replace(rules, pull_secret_file=file or None))
    assert "guess" not in str(refused.value)


def test_the_hospitals_authority_is_needed(stored: Stored, rules: Rules, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not one that the agent trusts"):
        fetch(stored, tmp_path, replace(rules, ca_file=None))


def test_what_the_registry_does_not_have(registry: Registry, rules: Rules, tmp_path: Path) -> None:
    missing = Stored(f"oci://{registry.host}/models/m@sha256:{1:064x}", f"sha256:{2:064x}")
    with pytest.raises(StoreError, match="HTTP 404"):
        fetch(missing, tmp_path, rules)


def test_a_registry_that_is_killed_on_the_way_goes_on_with_the_next_byte(
    authority: Authority, content: Path, tmp_path: Path
) -> None:
    with Registry(tmp_path / "registry", ADDRESS, authority=authority, users={USER: PASSWORD}) as registry:
        stored = store(registry, authority, content)

        def restart() -> None:
            registry.kill()
            registry.start()

        assert fetch(stored, tmp_path, rules_for(registry, authority, tmp_path), once(restart))
        (status, size), *others = layers(registry)[-1:]
        assert status == 206 and 0 < size < len(CONTENT) and not others


@contextmanager
def with_tokens(authority: Authority, folder: Path) -> Iterator[tuple[Registry, TokenIssuer]]:
    with TokenIssuer(folder, REALM, authority, USER, PASSWORD) as issuer:
        settings = issuer.settings()
        with Registry(folder / "registry", ADDRESS, authority=authority, settings=settings) as registry:
            yield registry, issuer


def test_a_token_that_ends_on_the_way_is_renewed(authority: Authority, content: Path, tmp_path: Path) -> None:
    with with_tokens(authority, tmp_path) as (registry, issuer):
        stored = store(registry, authority, content)
        assert issuer.asked == ["repository:models/m:pull,push"]
        rules = rules_for(registry, authority, tmp_path, f"{issuer.url}/")
        issuer.asked.clear()
        issuer.seconds = [3]
        ended = time.time() + 3

        def cut_when_it_ended() -> None:
            wait_until(lambda: time.time() > ended + 1, "the token ended")
            registry.kill()
            registry.start()

        assert fetch(stored, tmp_path, rules, once(cut_when_it_ended))
        assert issuer.asked == ["repository:models/m:pull"] * 2 and not issuer.refused
        assert layers(registry)[-1][0] == 206


def test_a_realm_elsewhere_needs_its_address_and_the_password(
    authority: Authority, content: Path, tmp_path: Path
) -> None:
    with with_tokens(authority, tmp_path) as (registry, issuer):
        stored = store(registry, authority, content)
        rules = rules_for(registry, authority, tmp_path)
        with pytest.raises(Refused, match=f"{REALM}.*is under none of the allowed addresses"):
            fetch(stored, tmp_path, rules)
        assert not issuer.refused
        with pytest.raises(Refused, match=r"gives no token \(HTTP 401\); give the Secret"):
            fetch(stored, tmp_path, replace(rules, prefixes=(*rules.prefixes, f"{issuer.url}/"), pull_secret_file=None))


def test_a_redirect_to_another_host_takes_no_password_along(
    authority: Authority, content: Path, tmp_path: Path
) -> None:
    with FileHost(tmp_path / "registry" / "content", CDN, authority) as cdn:
        elsewhere = {"middleware": {"storage": [{"name": "redirect", "options": {"baseurl": cdn.url}}]}}
        users = {USER: PASSWORD}
        with Registry(tmp_path / "registry", ADDRESS, authority=authority, users=users, settings=elsewhere) as registry:
            stored = store(registry, authority, content)
            rules = rules_for(registry, authority, tmp_path)
            with pytest.raises(Refused, match=f"{CDN}.*is under none of the allowed addresses"):
                fetch(stored, tmp_path, rules)
            assert not cdn.authorizations
            assert fetch(stored, tmp_path, replace(rules, prefixes=(*rules.prefixes, f"{cdn.url}/")))
            assert cdn.authorizations == [None] and layers(registry)[-1][0] == 307


class AnyBundles(Bundles):
    """A cache that takes bytes for a bundle unseen: what a fetch does before is tested."""

    def add(self, partial: Path, digest: str, model: str, version: int) -> None:
        partial.rename(self.place(digest))


def test_siblings_serve_when_the_registry_goes_away_on_the_way(
    authority: Authority, content: Path, tmp_path: Path
) -> None:
    cache, seen = AnyBundles(tmp_path / "bundles"), []
    with (
        http_store("127.0.31.44") as sibling,
        Registry(tmp_path / "registry", ADDRESS, authority=authority, users={USER: PASSWORD}) as registry,
    ):
        stored = store(registry, authority, content)
        sibling.content[f"/bundles/{stored.digest}"] = CONTENT
        release = {"version": 2, "uri": stored.uri, "digest": stored.digest}
        others = [{"name": "triton-1", "url": sibling.url}]
        plan = parse_plan(
            json.dumps({"schemaVersion": 1, "model": "m", "stable": release, "siblings": others}).encode()
        )
        fetcher = Fetcher(cache, tmp_path, "triton-0", 0, rules_for(registry, authority, tmp_path))
        die = once(registry.kill)

        def on_progress(progress: Progress) -> None:
            seen.append(progress.bytes)
            die(progress.bytes)

        assert plan.stable
        fetcher.fetch(plan.stable, plan, on_progress)
    path = cache.path(stored.digest)
    assert path and path.read_bytes() == CONTENT
    assert sibling.requests == ["whole"] and 0 < max(seen[: seen.index(0, 1)]) < len(CONTENT)
