"""A new version by `helm upgrade`, under load: a good one is promoted, a bad one taken back, no request fails."""

from pathlib import Path

from tests.harness.release.release import Release

GOOD, ALWAYS_FAILS = 2, 12


def test_a_good_and_a_bad_version(release: Release, images: list[bytes], tmp_path: Path) -> None:
    release.install()
    release.wait_for_phase("Healthy", 1)
    with release.load(images, tmp_path, 1, GOOD) as load:
        load.wait_until_answered(100)
        release.upgrade(GOOD)
        release.wait_for_phase("Healthy", GOOD)
        assert release.condition("Ready")["status"] == "True"
        load.mark("promoted")
        load.wait_until_answered(100)
        release.upgrade(ALWAYS_FAILS)
        status = release.wait_for_phase("RolledBack", ALWAYS_FAILS)
        load.wait_until_answered(200)
        result = load.finish()
    assert result.failed == 0, result
    assert result.by_version().keys() == {1, GOOD}
    assert result.between("promoted").by_version().keys() == {GOOD}
    assert status["stable"]["version"] == GOOD
    assert release.condition("Ready")["status"] == "False"
    assert release.condition("Available")["status"] == "True"
