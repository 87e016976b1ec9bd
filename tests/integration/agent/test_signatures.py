"""Signed bundles on running replicas: from a store, and from a sibling while the store is away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl.main import main

from ci.stack.documents import build_plan
from ci.stack.replica import Replica
from tests.harness.objectstore import HttpStore, http_store
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import entry, index, wait_for
from tests.unit.modelctl.signature import pki

pytestmark = pytest.mark.integration


@pytest.fixture
def store(bundle: Bundle) -> Iterator[HttpStore]:
    with http_store() as store:
        for version in (1, 2):
            store.content[f"/{version}.tar"] = bundle(version).read_bytes()
        yield store


def sign(store: HttpStore, bundle: Path, version: int, folder: Path) -> None:
    key, signature = folder / "key.pem", folder / f"{version}.sig"
    key.write_bytes(pki.private_pem(pki.key("models team")))
    assert main(["sign", str(bundle), "--key", str(key), "--out", str(signature)]) == 0
    store.content[f"/{version}.tar.sig"] = signature.read_bytes()


def signer(replica: Replica, version: int) -> str:
    return str(entry(replica, version)["signature"]["signer"])


def test_only_signed_bundles_are_loaded(
    make_replica: StartReplica, bundle: Bundle, store: HttpStore, tmp_path: Path
) -> None:
    listed = {"name": "models team", "models": ["resnet_medical"], "keys": [pki.public_pem(pki.key("models team"))]}
    (tmp_path / "signers.yaml").write_text(json.dumps({"signers": [listed]}))
    enforced = {"VERIFICATION": "enforce", "SIGNERS_FILE": str(tmp_path / "signers.yaml")}
    sign(store, bundle(1), 1, tmp_path)
    plan = build_plan(stable=bundle(1), canary=bundle(2))
    for role in ("stable", "canary"):
        plan[role]["uri"] = f"{store.url}/{plan[role]['version']}.tar"
    first, second = make_replica(**enforced), make_replica(**enforced)
    first.follow(plan)
    first.start()
    first.wait_until_warm()
    refused = wait_for(first, 2, "Failed")
    assert refused["reason"] == "SignatureRefused" and "2.tar.sig: HTTP 404" in refused["message"]
    assert signer(first, 1) == "models team" and index(first) == {1: "READY"}
    sign(store, bundle(2), 2, tmp_path)
    wait_for(first, 2, "Warm")
    assert signer(first, 2) == "models team"

    store.status = 503
    second.follow(plan | {"siblings": [{"name": first.name, "url": first.agent_url}]})
    second.start()
    wait_for(second, 2, "Warm")
    assert signer(second, 1) == signer(second, 2) == "models team"
