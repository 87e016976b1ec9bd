"""A new version by `helm upgrade`, under load: a good one is promoted, a bad one taken back, no request fails."""

from pathlib import Path

from tests.harness.release import Release

GOOD, ALWAYS_FAILS = 2, 12


def start(release: Release) -> None:
    release.install()
    release.wait_for_phase("Healthy", 1)
    release.wait_for_pods("api", 1)


def test_canary_is_promoted(release: Release, images: list[bytes], tmp_path: Path) -> None:
    start(release)
    with release.load(images, tmp_path, 1, GOOD) as load:
        load.wait_until_answered(100)
        release.upgrade(GOOD)
        release.wait_for_phase("Healthy", GOOD)
        load.mark("promoted")
        load.wait_until_answered(200)
        result = load.finish()
    assert result.failed == 0, result
    assert result.between("promoted").by_version().keys() == {GOOD}
    assert release.condition("Ready")["status"] == "True"


def test_bad_version_is_taken_back(release: Release, images: list[bytes], tmp_path: Path) -> None:
    start(release)
    with release.load(images, tmp_path, 1) as load:
        load.wait_until_answered(100)
        release.upgrade(ALWAYS_FAILS)
        status = release.wait_for_phase("RolledBack", ALWAYS_FAILS)
        load.wait_until_answered(200)
        result = load.finish()
    assert result.failed == 0, result
    assert status["stable"]["version"] == 1
    assert result.by_version().keys() == {1}
    assert release.condition("Ready")["status"] == "False"
    assert release.condition("Available")["status"] == "True"
