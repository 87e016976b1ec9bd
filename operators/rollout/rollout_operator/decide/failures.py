"""Failures of a release: which are in force, which quarantine its bytes, and what they lead to."""

from dataclasses import replace

from rollout_operator.decide.evidence import take_traffic_away
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import OnFailure
from rollout_operator.documents.status import Failure, Outcome, Quarantine

# The agent tries these again by itself, ever more slowly; the progress deadline ends it.
TRANSIENT = frozenset({"FetchFailed", "InsufficientMemory", "InsufficientDisk", "LoadTimeout"})
# Found before Triton was touched.
REFUSED = frozenset(
    {
        "SignatureRefused",
        "DigestMismatch",
        "BundleInvalid",
        "ConfigChanged",
        "VersionReused",
        "AcceptanceInvalid",
    }
)
# Wrong wherever these bytes are tried.
ALWAYS_QUARANTINED = frozenset({"DigestMismatch", "GoldenMismatch", "AcceptanceFailed", "AnalysisFailed"})
# Wrong bytes, or a broken replica: one replica alone cannot tell.
QUARANTINED_BY_TWO = frozenset({"LoadFailed", "TritonDied", "WarmupError"})
# Reason of a try of what was stable just now.
RETURNED = "ReturnedToPrevious"
MAX_QUARANTINE = 50
MAX_MESSAGE = 1024  # agents write it


def failure_in_force(s: Situation, release: Release) -> Failure | None:
    """Why `release` is not tried (again), or None. Without a quarantine it is in force until the spec is edited."""
    failure, quarantined = s.status.last_failure, s.status.is_quarantined(release)
    if failure and failure.release == release and (quarantined or failure.generation == s.spec.generation):
        return failure
    if not quarantined:
        return None
    record = next(one for one in s.status.quarantined if one.digest == release.digest)
    message = f"the bytes of {release} are quarantined ({record.reason}); to try them again, edit spec.retry"
    return Failure(release, Outcome.BLOCKED, "Quarantined", message, "", s.spec.generation, record.time)


def below_floor(s: Situation) -> tuple[str, ...]:
    """Why the operator's floors refuse the wanted version; the way back to what served just now is always open."""
    attempt = s.status.attempt
    returns = attempt is not None and attempt.release == s.wanted and attempt.reason == RETURNED
    return () if returns or s.wanted == s.status.previous else s.seen.floors.refusals(s.spec)


def reject(s: Situation, release: Release, reason: str, message: str, location: str, quarantine: bool) -> Situation:
    """Records the failure and takes the canary's step away, and with it all its traffic."""
    outcome = _outcome(s, reason)
    failure = Failure(release, outcome, reason, message[:MAX_MESSAGE], location, s.spec.generation, s.now)
    status = replace(take_traffic_away(s), last_failure=failure)
    if quarantine and not status.is_quarantined(release):
        record = Quarantine(release.version, release.digest, reason, s.now)
        status = replace(status, quarantined=(*status.quarantined, record)[-MAX_QUARANTINE:])
    return s.becomes(status, Event(reason, f"{release} failed at {location}: {message}", warning=True))


def _outcome(s: Situation, reason: str) -> Outcome:
    if reason in REFUSED:
        return Outcome.BLOCKED
    return Outcome.HELD if s.spec.strategy.on_failure is OnFailure.HOLD else Outcome.ROLLED_BACK
