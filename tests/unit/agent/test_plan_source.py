import json
from pathlib import Path
from typing import Any

import pytest
from replica_agent.plan_source import Followed, Follower, PlanFile, WatchedPlan, follow

from tests.unit.agent.plans import document

ABSENT = "there is no plan: plan.json cannot be read"


class Source:
    """A source whose document a test sets."""

    is_live = True

    def __init__(self, text: bytes | str = ABSENT) -> None:
        self.text = text

    def read(self) -> bytes | str:
        return self.text


def text(**changes: Any) -> bytes:
    return json.dumps(document(**changes)).encode()


NOW = 1_800_000_000
VALID = follow(Followed(), text(stable=1, revision=5), NOW)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(ABSENT, "there is no plan", id="absent"),
        pytest.param(b"", "the plan is empty", id="empty"),
        pytest.param(b"{}", "schemaVersion", id="invalid"),
        pytest.param(text(stable=1, model="other"), "this replica holds resnet_medical", id="another-model"),
        pytest.param(text(stable=2, revision=4), "revision: is 4, and 5 is obeyed already", id="old"),
        pytest.param(text(stable=2, revision="6"), "revision", id="revision-is-text"),
        pytest.param(text(stable=2, revision=-1), "revision", id="revision-below-zero"),
    ],
)
def test_what_is_no_plan_leaves_the_last_one_and_is_reported(given: bytes | str, reason: str) -> None:
    followed = follow(VALID, given, NOW)
    assert followed.plan == VALID.plan and followed.live
    assert followed.rejected and reason in followed.rejected.reason


def test_a_refusal_names_the_documents_own_id() -> None:
    refused = follow(VALID, text(stable=2, id="0" * 64), NOW).rejected
    assert refused and refused.id == "0" * 64


def test_a_valid_plan_clears_the_refusal() -> None:
    assert follow(follow(VALID, b"", NOW), text(stable=2), NOW).rejected is None


def test_the_last_plan_outlives_the_process_but_is_not_live(tmp_path: Path) -> None:
    first = Follower(Source(text(stable=1)), tmp_path / "kept.json").poll()
    assert first.live
    reborn = Follower(Source(), tmp_path / "kept.json")
    assert reborn.followed.plan == first.plan and not reborn.followed.live
    after = reborn.poll()
    assert after.plan == first.plan and not after.live and after.rejected


def test_the_same_plan_read_again_makes_it_live(tmp_path: Path) -> None:
    Follower(Source(text(stable=1)), tmp_path / "kept.json").poll()
    source = Source()
    reborn = Follower(source, tmp_path / "kept.json")
    assert not reborn.poll().live
    source.text = text(stable=1)
    assert reborn.poll().live


def test_an_invalid_plan_is_not_kept(tmp_path: Path) -> None:
    source = Source(text(stable=1))
    follower = Follower(source, tmp_path / "kept.json")
    follower.poll()
    source.text = b"{"
    follower.poll()
    assert (tmp_path / "kept.json").read_bytes() == text(stable=1)


def test_a_damaged_kept_plan_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{")
    followed = Follower(Source(), tmp_path / "kept.json").followed
    assert followed.plan is None and followed.rejected is None


def test_a_file_that_cannot_be_read_says_why_and_what_to_do(tmp_path: Path) -> None:
    fix = "there is no plan: plan.json cannot be read ({}); write one there"
    assert PlanFile(tmp_path / "plan.json").read() == fix.format("No such file or directory")
    (tmp_path / "plan.json").mkdir()
    assert PlanFile(tmp_path / "plan.json").read() == fix.format("Is a directory")


def test_a_plan_that_cannot_be_kept_counts_all_the_same_and_is_kept_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "absent" / "kept.json"
    follower = Follower(Source(text(stable=1)), kept)
    assert [follower.poll().live for _ in range(3)] == [True] * 3
    assert [record.message for record in caplog.records] == [
        "the plan cannot be written to DATA_DIR for the next start; trying again"
    ]
    kept.parent.mkdir()
    follower.poll()
    assert kept.read_bytes() == text(stable=1)


@pytest.mark.parametrize("revision", [None, 5, 6])
def test_a_plan_without_a_revision_is_not_compared(revision: int | None) -> None:
    """A person's plan has no revision. The operator's next revision is greater only than those that it knows."""
    by_hand = follow(VALID, text(stable=2), NOW)
    assert by_hand.rejected is None and by_hand.plan and by_hand.plan.revision == 0
    after = follow(by_hand, text(stable=3, revision=4), NOW)
    assert after.rejected is None and after.plan and after.plan.revision == 4


class Watch:
    name, key = "medinfer-triton-plan", "plan.json"
    synced = False
    content: bytes | None = None


class Scene:
    """A ConfigMap, its mounted copy, and an agent that is restarted."""

    def __init__(self, folder: Path) -> None:
        self.mounted, self._kept = folder / "mounted.json", folder / "kept.json"
        self.start_agent()

    def start_agent(self) -> None:
        self.watch = Watch()
        self.follower = Follower(WatchedPlan(self.watch, PlanFile(self.mounted)), self._kept)

    def answer(self, content: bytes | None) -> None:
        self.watch.synced, self.watch.content = True, content

    def poll(self) -> tuple[int | None, bool, str]:
        """Polls twice, as the first poll reads the mounted copy; returns revision, whether it is live, and refusal."""
        self.follower.poll()
        followed = self.follower.poll()
        reason = followed.rejected.reason if followed.rejected else ""
        revision = followed.plan.revision if followed.plan else None
        return revision, followed.live, reason[:22]


def test_the_mounted_copy_counts_until_the_api_server_answered_but_is_not_live(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.mounted.write_bytes(text(stable=1, revision=1))
    assert scene.poll() == (1, False, "")
    scene.answer(text(stable=1, revision=1))
    assert scene.poll() == (1, True, "")
    scene.mounted.write_bytes(text(stable=2, revision=3))
    assert scene.poll() == (1, True, "")


def test_the_mounted_copy_is_read_even_if_the_api_server_was_faster(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.mounted.write_bytes(text(stable=1, revision=1))
    scene.answer(None)
    assert scene.poll() == (1, False, "there is no plan: Conf")


@pytest.mark.parametrize(
    ("kept", "mounted", "watched", "obeyed"),
    [
        pytest.param(3, 2, None, (3, False, "revision: is 2, and 3 "), id="kept-is-newest"),
        pytest.param(2, 3, None, (3, False, ""), id="mounted-is-newest"),
        pytest.param(2, 1, 3, (3, True, ""), id="watched-is-newest"),
        pytest.param(3, 1, 2, (3, False, "revision: is 2, and 3 "), id="watched-is-old"),
        pytest.param(1, 3, 2, (3, False, "revision: is 2, and 3 "), id="watched-is-older-than-mounted"),
        pytest.param(3, 3, 3, (3, True, ""), id="all-are-one"),
    ],
)
def test_the_highest_revision_wins(
    tmp_path: Path, kept: int, mounted: int, watched: int | None, obeyed: tuple[int, bool, str]
) -> None:
    """Versions are dropped only on a plan that was read live."""
    scene = Scene(tmp_path)
    scene.answer(text(stable=1, revision=kept))
    scene.poll()
    scene.start_agent()
    scene.mounted.write_bytes(text(stable=1, revision=mounted))
    if watched:
        scene.answer(text(stable=1, revision=watched))
    assert scene.poll() == obeyed


def test_a_plan_from_the_future_is_refused_with_a_reason() -> None:
    """Regression guard: no later plan could have followed it."""
    refused = follow(VALID, text(stable=2, revision=2**53 - 1), NOW)
    assert refused.plan == VALID.plan and refused.rejected
    assert "more than a day ahead of the clock" in refused.rejected.reason
