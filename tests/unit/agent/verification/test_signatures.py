"""Where a signature comes from, and what is refused where bundles must be signed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from replica_agent.settings import Verification
from replica_agent.state import Reason, VersionFailed
from replica_agent.store.rules import Rules

from tests.harness.objectstore import http_store
from tests.unit.agent.verification.signed import Signed, plan_of

MODEL = "resnet_medical"
LOCAL = Rules(("file:/", "http://"), allow_local_addresses=True)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    made = Signed(tmp_path)
    made.trust("team")
    return made


def refusal(signed: Signed, rules: Rules = LOCAL, **changes: object) -> VersionFailed:
    wanted = signed.put(1).model_copy(update=changes)
    with pytest.raises(VersionFailed) as failed:
        signed.signatures(rules=rules).require(wanted, plan_of(wanted))
    return failed.value


def test_a_signature_beside_the_bundle_is_enough(signed: Signed) -> None:
    wanted = signed.put(1)
    content = signed.sign(1, "team")
    signatures = signed.signatures()
    assert signatures.look(wanted, MODEL).problem == "its signature was not looked for yet"
    signatures.require(wanted, plan_of(wanted))
    assert signatures.look(wanted, MODEL).signer == "team" and signed.files.read(wanted.digest) == content
    assert not list((signed.folder / "staging").iterdir())


def _huge(signed: Signed) -> None:
    (signed.folder / "1.tar.sig").write_bytes(b" " * 200_000)


def _nobody(signed: Signed) -> None:
    signed.sign(1, "team")
    signed.signers_file.unlink()


def _unreadable_list(signed: Signed) -> None:
    signed.sign(1, "team")
    signed.signers_file.write_text("signers: [{}]")


@pytest.mark.parametrize(
    ("spoil", "reason", "message"),
    [
        pytest.param(lambda _: None, Reason.SIGNATURE_REFUSED, "nobody signed the bundle, or", id="unsigned"),
        pytest.param(lambda one: one.sign(1, "stranger"), Reason.SIGNATURE_REFUSED, "none of those in", id="stranger"),
        pytest.param(lambda one: one.sign(1, "team", 2), Reason.SIGNATURE_REFUSED, "for another bundle", id="another"),
        pytest.param(_huge, Reason.FETCH_FAILED, "no bundle has more than 131072", id="huge"),
        pytest.param(_nobody, Reason.SIGNATURE_REFUSED, "nobody is trusted: ", id="no-list"),
        pytest.param(_unreadable_list, Reason.SIGNATURE_REFUSED, "signers[0]: name must", id="bad-list"),
    ],
)
def test_where_bundles_must_be_signed(
    signed: Signed, spoil: Callable[[Signed], object], reason: Reason, message: str
) -> None:
    spoil(signed)
    failed = refusal(signed)
    assert failed.reason is reason and message in failed.message
    assert failed.message.startswith("version 1 is not used: ")
    assert signed.files.read(signed.put(1).digest) is None


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        pytest.param("http://127.0.31.5:9/1.tar", "http://127.0.31.5:9/1.tar.sig: ", id="store-is-away"),
        pytest.param("s3://models/1.tar", "none of the allowed addresses", id="not-allowed"),
        pytest.param("http://u:secret@127.0.31.5:9/1.tar", "put credentials into", id="password"),
    ],
)
def test_a_store_that_may_have_it_is_asked_again(signed: Signed, uri: str, message: str) -> None:
    failed = refusal(signed, uri=uri)
    assert failed.reason is Reason.FETCH_FAILED and message in failed.message and "secret" not in failed.message


def test_the_signature_follows_the_rules_of_the_bundle(signed: Signed) -> None:
    with http_store() as store:
        failed = refusal(signed, Rules(("http://",)), uri=f"{store.url}/1.tar")
    assert failed.reason is Reason.FETCH_FAILED and "a loopback or link-local address" in failed.message


def test_a_sibling_has_it_where_the_store_has_none(signed: Signed) -> None:
    wanted = signed.put(1)
    content = signed.sign(1, "team")
    (signed.folder / "1.tar.sig").unlink()
    with http_store() as store:
        store.content[f"/bundles/{wanted.digest}/signature"] = content
        plan = plan_of(wanted, siblings=[{"name": "triton-1", "url": store.url}])
        signed.signatures(rules=LOCAL).require(wanted, plan)
    assert signed.files.read(wanted.digest) == content


def test_a_sibling_that_is_away_hides_no_missing_signature(signed: Signed) -> None:
    wanted = signed.put(1)
    plan = plan_of(wanted, siblings=[{"name": "triton-1", "url": "http://127.0.31.5:9"}])
    with pytest.raises(VersionFailed) as failed:
        signed.signatures(rules=LOCAL).require(wanted, plan)
    assert failed.value.reason is Reason.SIGNATURE_REFUSED


def test_a_key_that_was_retired_counts_no_longer_and_a_new_signature_mends_it(signed: Signed) -> None:
    wanted = signed.put(1)
    signed.sign(1, "team")
    signatures = signed.signatures()
    signatures.require(wanted, plan_of(wanted))
    signed.trust("successor")
    assert "none of those in" in signatures.look(wanted, MODEL).problem
    assert refusal(signed).reason is Reason.SIGNATURE_REFUSED
    signed.sign(1, "successor")
    signatures.require(wanted, plan_of(wanted))
    assert signatures.look(wanted, MODEL).signer == "successor"


def test_a_key_for_another_model_is_not_enough(signed: Signed) -> None:
    signed.sign(1, "team")
    signed.signers_file.write_text(signed.signers_file.read_text().replace('"*"', json.dumps("chest")))
    assert "may not sign bundles of resnet_medical" in refusal(signed).message


def test_where_it_is_only_told_nothing_is_refused(signed: Signed) -> None:
    wanted = signed.put(1)
    signatures = signed.signatures(Verification.WARN)
    signatures.require(wanted, plan_of(wanted))
    signatures.find(wanted, plan_of(wanted))
    assert "nobody signed the bundle" in signatures.look(wanted, MODEL).problem


def test_what_is_deleted_is_forgotten(signed: Signed) -> None:
    wanted = signed.put(1)
    signed.sign(1, "team")
    signatures = signed.signatures()
    signatures.find(wanted, plan_of(wanted))
    signatures.discard([wanted.digest])
    assert signed.files.path(wanted.digest) is None
    signed.files.write(wanted.digest, b"{}")
    signed.files.discard_others(lambda digest: False)
    assert signed.files.path(wanted.digest) is None


def test_in_a_registry_it_is_a_tag_beside_the_bundle(signed: Signed) -> None:
    failed = refusal(signed, uri=f"oci://registry.example/models@sha256:{0:064x}")
    wanted = signed.put(1)
    tag = f"oci://registry.example/models:{wanted.digest.replace(':', '-')}.sig"
    assert failed.reason is Reason.FETCH_FAILED and f"{tag}: is under none of the allowed" in failed.message
