"""The same from git, under load: one commit releases a version, Flux too reports a bad one, a revert repairs it."""

from pathlib import Path

from tests.e2e.test_releases import ALWAYS_FAILS, GOOD
from tests.harness.release.git_release import GitRelease
from tests.harness.release.node import needs_the_local_cluster
from tests.harness.release.release import ROLLOUT, Release

RELEASE_SECONDS = 180


@needs_the_local_cluster  # on another one the controller would take up what its own Flux is there for
def test_a_good_and_a_bad_commit(release: Release, images: list[bytes], tmp_path: Path) -> None:
    with GitRelease(release, tmp_path) as git:
        git.rollout.wait_for_live(git.commit(1), RELEASE_SECONDS)
        with release.load(images, tmp_path, 1, GOOD) as load:
            load.wait_until_answered(100)
            git.rollout.wait_for_live(git.commit(GOOD), RELEASE_SECONDS)
            load.mark("promoted")
            said = git.rollout.wait_for_failure(git.commit(ALWAYS_FAILS), RELEASE_SECONDS)
            assert f"ModelRollout/{release.namespace}/{ROLLOUT} status: 'Failed'" in said
            assert release.rollout()["stable"]["version"] == GOOD
            git.rollout.wait_for_live(git.git.revert(), RELEASE_SECONDS)
            load.wait_until_answered(200)
            result = load.finish()
    assert result.failed == 0, result
    assert result.between("promoted").by_version().keys() == {GOOD}
