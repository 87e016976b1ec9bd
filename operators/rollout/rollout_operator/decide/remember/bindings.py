"""Which bytes a version number stands for, and which digests are refused."""

from dataclasses import replace

from rollout_operator.decide import replicas
from rollout_operator.decide.evidence import end_attempt
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.documents.agent import VersionState
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import DigestPin, Outcome, Status

MAX_BOUND_VERSIONS = 200
LOADED = frozenset({VersionState.WARMING, VersionState.WARM, VersionState.UNLOADING})


def bind_versions(s: Situation) -> Situation:
    """A version number whose bytes were ever loaded is bound to that digest."""
    loaded = [release for one in s.seen.replicas for release in replicas.held(one, LOADED)]
    known = {one.version for one in s.status.bound_versions}
    fresh: dict[int, DigestPin] = {}
    for release in (*loaded, *((s.status.stable,) if s.status.stable else ())):
        if release.version not in known:
            fresh.setdefault(release.version, DigestPin(release.version, release.digest))
    if not fresh:
        return s
    bound = (*s.status.bound_versions, *fresh.values())[-MAX_BOUND_VERSIONS:]
    return s.becomes(replace(s.status, bound_versions=bound))


def bound_digest(status: Status, release: Release) -> str | None:
    """The digest that `release`'s number already stands for, when it is another one."""
    found = (one.digest for one in status.bound_versions if one.version == release.version)
    return next((digest for digest in found if digest != release.digest), None)


def lift_quarantine(s: Situation) -> Situation:
    """Any new text in spec.retry gives the wanted digest another try."""
    if s.spec.retry == s.status.retry:
        return s
    status = replace(s.status, retry=s.spec.retry)
    failure = status.last_failure
    failed = failure is not None and failure.release == s.wanted
    if not s.spec.retry or not (failed or status.is_quarantined(s.wanted)):
        return s.becomes(status)
    kept = tuple(one for one in status.quarantined if one.digest != s.wanted.digest)
    status = replace(status, quarantined=kept, last_failure=None if failed else failure)
    if status.canary == s.wanted and status.stable is not None:
        # Held: agents try a failed version again only after a plan without it, so it goes and comes back.
        status = end_attempt(replace(status, canary=None), Outcome.HELD, "RetryRequested", s.now, s.spec)
    return s.becomes(status, Event("RetryRequested", f"{s.wanted} gets another try: retry is {s.spec.retry!r}"))
