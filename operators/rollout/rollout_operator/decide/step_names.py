"""The names under which API pods count: a new name starts their counters at zero."""

from rollout_operator.documents.release import Release


def step_name(release: Release, index: int, now: int) -> str:
    """Of the step at `index` of a canary; `now` tells a repeated step from the first."""
    return f"{release.version}-{release.digest[7:15]}/{index}/{now}"


def stable_name(release: Release, now: int) -> str:
    """Of the time after a promotion, a rollback or an adoption."""
    return f"{release.version}-{release.digest[7:15]}/stable/{now}"
