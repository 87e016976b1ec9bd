"""Acceptance sets on one replica: fetched, kept, hashed before use, and waited for."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelctl.bundle import acceptance
from modelctl.bundle.acceptance import AcceptanceSet, Case
from replica_agent.acceptance.fetching import SetFetcher
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.actions import Action, Discard, FetchSet, Install, Load, Prove
from replica_agent.decide import decide
from replica_agent.observation import Observation
from replica_agent.plan import Acceptance, Plan, parse_plan
from replica_agent.report import report_versions, to_document
from replica_agent.state import Accepted, Reason, State, VersionFailed
from replica_agent.store.rules import Rules

from tests.unit.agent.observations import PROOF, failure, release, see
from tests.unit.agent.plans import artifact, document

CONTENT = acceptance.dump(AcceptanceSet(("A",), 0.9, 0.9, (Case(np.zeros((2, 2), np.uint8), frozenset({"A"})),)))
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
SET = {"uri": "https://store/set.npz", "digest": DIGEST}
OTHER = {"uri": "https://store/other.npz", "digest": "sha256:" + "b" * 64}


def plan(**changes: Any) -> Plan:
    """Version 1 is stable without a set; the canary, version 2, has one."""
    return parse_plan(
        json.dumps(document(stable=artifact(1), canary=artifact(2) | {"acceptance": SET}, **changes)).encode()
    )


PLAN = plan()
CANARY = PLAN.wanted("triton-0")[1][1]
ACCEPTED = replace(PROOF, accepted=Accepted(DIGEST, 1, 1))
HERE = frozenset({DIGEST})


def seen(sets: frozenset[str] = frozenset(), **rest: Any) -> Observation:
    return see(PLAN, sets=sets, **rest)


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        pytest.param(seen(warm=(1,), cached=(2,)), FetchSet(CANARY), id="fetched-after-the-bundle"),
        pytest.param(
            seen(warm=(1,), cached=(2,), jobs=frozenset({FetchSet(CANARY)})), None, id="nothing-is-loaded-meanwhile"
        ),
        pytest.param(
            seen(warm=(1,), cached=(2,), failures={PLAN.attempt(CANARY): failure(Reason.FETCH_FAILED, 9.0)}),
            None,
            id="waits-before-the-next-try",
        ),
        pytest.param(seen(HERE, warm=(1,), cached=(2,)), Install(CANARY), id="then-it-goes-on"),
        pytest.param(seen(HERE, warm=(1,), installed=(2,)), Load(CANARY, (1, 2)), id="loaded"),
        pytest.param(seen(HERE, warm=(1,), loaded=(2,)), Prove(CANARY, True), id="proved"),
        pytest.param(seen(warm=(1,), loaded=(2,)), FetchSet(CANARY), id="not-proved-without-its-set"),
        pytest.param(seen(HERE, warm=(1, 2)), Prove(CANARY, True), id="proved-before-there-was-a-set"),
        pytest.param(seen(HERE, warm=(1,), loaded=(2,), proofs={1: PROOF, 2: ACCEPTED}), None, id="at-rest"),
        pytest.param(
            seen(HERE | {"sha256:old"}, warm=(1,), loaded=(2,), proofs={1: PROOF, 2: ACCEPTED}),
            Discard(sets=("sha256:old",)),
            id="a-set-that-nobody-names",
        ),
    ],
)
def test_a_set_is_there_before_anything_is_loaded(observation: Observation, action: Action | None) -> None:
    assert decide(observation) == action


def test_another_set_is_another_attempt_and_none_keeps_the_name_of_old() -> None:
    other = parse_plan(json.dumps(document(stable=artifact(1), canary=artifact(2) | {"acceptance": OTHER})).encode())
    assert PLAN.attempt(CANARY) != other.attempt(other.wanted("triton-0")[1][1])
    assert "acceptance" not in json.dumps(release(1).model_dump(exclude_none=True))


def test_what_is_reported() -> None:
    waiting = to_document(report_versions(seen(warm=(1,), cached=(2,)))[1])
    assert (waiting["state"], waiting["message"], waiting["acceptance"]) == (
        "Fetching",
        "fetches the acceptance set",
        SET,
    )
    warm = to_document(report_versions(seen(HERE, warm=(1,), loaded=(2,), proofs={1: PROOF, 2: ACCEPTED}))[1])
    assert (warm["state"], warm["warmup"]["acceptance"]) == ("Warm", {"digest": DIGEST, "right": 1, "total": 1})
    assert report_versions(seen(HERE, warm=(1, 2)))[1].state is State.WARMING


def fetch(folder: Path, uri: str, digest: str = DIGEST, min_free: int = 0, **changes: Any) -> AcceptanceSets:
    sets = AcceptanceSets(folder / "acceptance")
    fetcher = SetFetcher(sets, folder, "triton-0", min_free, Rules(("file:/",)))
    fetcher.fetch(Acceptance(uri=uri, digest=digest), plan(**changes), lambda _: None)
    return sets


def stored(folder: Path, content: bytes = CONTENT) -> str:
    (folder / "set.npz").write_bytes(content)
    return (folder / "set.npz").as_uri()


def test_a_fetched_set_is_kept_and_read_with_its_digest(tmp_path: Path) -> None:
    assert fetch(tmp_path, stored(tmp_path)).read(DIGEST) == CONTENT
    kept = AcceptanceSets(tmp_path / "acceptance")
    assert (kept.all(), kept.read(DIGEST)) == (HERE, CONTENT)


def test_a_kept_set_that_was_changed_is_not_used_and_fetched_again(tmp_path: Path) -> None:
    sets = fetch(tmp_path, stored(tmp_path))
    path = sets.path(DIGEST)
    assert path
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(VersionFailed, match="was changed on disk") as failed:
        sets.read(DIGEST)
    assert (failed.value.reason, sets.all()) == (Reason.FETCH_FAILED, frozenset())


@pytest.mark.parametrize(
    ("uri", "content", "digest", "min_free", "reason", "words"),
    [
        pytest.param("", CONTENT, OTHER["digest"], 0, Reason.ACCEPTANCE_INVALID, "correct spec.acceptance", id="bytes"),
        pytest.param("file:///no.npz", CONTENT, DIGEST, 0, Reason.FETCH_FAILED, "acceptance set: file", id="gone"),
        pytest.param("http://h/x", CONTENT, DIGEST, 0, Reason.FETCH_FAILED, "none of the allowed addresses", id="http"),
        pytest.param("file://u:p@/x", CONTENT, DIGEST, 0, Reason.FETCH_FAILED, "put credentials into", id="password"),
        pytest.param("", CONTENT, DIGEST, 1 << 60, Reason.INSUFFICIENT_DISK, "make room", id="no-room"),
    ],
)
def test_what_cannot_be_fetched_says_that_it_is_the_set(
    tmp_path: Path, uri: str, content: bytes, digest: str, min_free: int, reason: Reason, words: str
) -> None:
    with pytest.raises(VersionFailed) as failed:
        fetch(tmp_path, uri or stored(tmp_path, content), digest, min_free)
    assert failed.value.reason is reason and words in failed.value.message
    assert list((tmp_path / "acceptance").iterdir()) == []


def test_a_file_that_is_no_set_is_refused_and_one_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    content = b"PK\x03\x04 and nothing else"
    with pytest.raises(VersionFailed, match="make it again with modelctl golden"):
        fetch(tmp_path, stored(tmp_path, content), f"sha256:{hashlib.sha256(content).hexdigest()}")
    with (tmp_path / "set.npz").open("wb") as file:
        file.truncate(acceptance.MAX_FILE_BYTES + 1)
    with pytest.raises(VersionFailed) as failed:
        fetch(tmp_path, (tmp_path / "set.npz").as_uri())
    assert failed.value.reason is Reason.FETCH_FAILED
