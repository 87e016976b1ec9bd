"""The next step of one replica.

This is pure code: it gets an Observation and returns one Action. Rules are tried in order, and the first one that
applies wins. The order protects requests: drops come before loads, stable comes before the others, and Triton is asked
for nothing while it is busy.
"""

from collections.abc import Callable

from replica_agent.actions import (
    BACKGROUND,
    Action,
    Cancel,
    Discard,
    Drop,
    Fail,
    Fetch,
    FetchSet,
    FindSignature,
    Install,
    Load,
    Pin,
    Prove,
    TryAgain,
    Wait,
)
from replica_agent.observation import Observation
from replica_agent.plan import Release, Role
from replica_agent.state import IndexState, Reason

MAX_LOADED = 2
MAX_DEATHS = 2


def decide(seen: Observation) -> Action | None:
    """The next action for the replica; None when there is nothing to do until something changes."""
    return next((action for rule in RULES if (action := rule(seen))), None)


def wait_for_a_plan(seen: Observation) -> Action | None:
    """Without a plan nothing is decided."""
    return None if seen.plan else Wait()


def cancel_what_the_plan_dropped(seen: Observation) -> Action | None:
    """A fetch or a proof of a version that is no longer wanted."""
    wanted = {release for _, release in seen.wanted}
    jobs = (job for job in seen.jobs if isinstance(job, Fetch | Prove) and job.release not in wanted)
    return next((Cancel(job) for job in jobs), None)


def discard_bundles(seen: Observation) -> Action | None:
    """Deletes bundles that neither the plan nor Triton needs, before a fetch that may need the space."""
    named = {release.digest for _, release in seen.wanted}
    held = {installed.digest for installed in seen.installed.values()}
    strays = sorted(seen.bundles.keys() - named - held)
    return Discard(digests=tuple(strays)) if seen.live and strays else None


def fetch(seen: Observation) -> Action | None:
    """The first wanted version that is not on disk."""
    for role, release in seen.wanted:
        here = release.digest in seen.bundles or seen.is_installed(release)
        if not here and Fetch(release) not in seen.jobs and not seen.is_blocked(role, release):
            return Fetch(release)
    return None


def find_signature(seen: Observation) -> Action | None:
    """Of what is on disk and not shown to be signed: the signature may be there later, or be made again."""
    for _, release in seen.wanted:
        here = release.digest in seen.bundles or seen.is_installed(release)
        signature, job = seen.signatures.get(release.digest), FindSignature(release)
        if here and signature and signature.problem and release.digest in seen.signatures_due and job not in seen.jobs:
            return job
    return None


def discard_sets(seen: Observation) -> Action | None:
    """Deletes acceptance sets that the plan does not name."""
    named = {release.acceptance.digest for _, release in seen.wanted if release.acceptance}
    strays = sorted(seen.sets - named)
    return Discard(sets=tuple(strays)) if seen.live and strays else None


def fetch_set(seen: Observation) -> Action | None:
    """The first acceptance set that is not on disk. Without it nothing is loaded, as nothing could be proved."""
    for role, release in seen.wanted:
        if seen.lacks_set(release) and FetchSet(release) not in seen.jobs and not seen.is_blocked(role, release):
            return FetchSet(release)
    return None


def wait_for_triton(seen: Observation) -> Action | None:
    """One load, drop or proof at a time. A load whose answer was lost is watched, not repeated."""
    busy = any(not isinstance(job, BACKGROUND) for job in seen.jobs)
    unknown = seen.index is None or seen.versions(IndexState.LOADING)
    return Wait() if busy or unknown or seen.paused else None


def blame_for_a_death(seen: Observation) -> Action | None:
    """An attempt is open, no job works on it, and Triton does not have the version: Triton died during the attempt.

    Somebody may have killed it, or the node may have been lost. Only if it dies again is it the version's doing.
    """
    for _, release in seen.wanted:
        if seen.plan and seen.plan.attempt(release) in seen.attempts and release.version not in seen.loaded:
            if seen.deaths_of(release) + 1 < MAX_DEATHS:
                return TryAgain(release)
            message = f"Triton died in both tries, while version {release.version} was loaded or warmed"
            return Fail(release, Reason.TRITON_DIED, message)
    return None


def drop_what_failed(seen: Observation) -> Action | None:
    """Drops a loaded version that failed its proof. Stable stays, because the API may have nothing better."""
    failed = {
        release.version
        for role, release in seen.wanted
        if role is not Role.STABLE and seen.is_loaded(release) and seen.has_failed_for_good(release)
    }
    left = seen.loaded - failed
    return Drop(tuple(sorted(left))) if failed and left else None


def drop_what_the_plan_dropped(seen: Observation) -> Action | None:
    """Only when the plan was read from its source since the start, and never the last version that can serve."""
    planned = {release.version for _, release in seen.wanted if seen.is_loaded(release)}
    warm = {release.version for _, release in seen.wanted if seen.is_warm(release)}
    strays = seen.loaded - planned
    kept = frozenset() if warm else frozenset({_best(seen, strays)} if strays else ())
    left = planned | kept
    return Drop(tuple(sorted(left))) if seen.live and strays - kept else None


def discard_versions(seen: Observation) -> Action | None:
    """Deletes version directories that neither the plan nor Triton needs."""
    busy = seen.versions(IndexState.READY, IndexState.LOADING, IndexState.UNLOADING)
    planned = {release.version for _, release in seen.wanted if seen.is_installed(release)}
    strays = sorted(seen.installed.keys() - planned - busy)
    return Discard(versions=tuple(strays)) if seen.live and strays else None


def pin_stable(seen: Observation) -> Action | None:
    """Writes into config.pbtxt what a load without a config would take: stable, or a first install's canary."""
    if not seen.wanted:
        return None
    _, first = seen.wanted[0]
    return Pin(first.version) if seen.is_installed(first) and seen.pinned != first.version else None


def prove(seen: Observation) -> Action | None:
    """The first loaded version that is not warm."""
    for role, release in seen.wanted:
        provable = seen.is_loaded(release) and not seen.is_warm(release) and not seen.lacks_set(release)
        if provable and not seen.is_blocked(role, release):
            return Prove(release, paced=seen.loaded != {release.version} or release.version not in seen.loaded_here)
    return None


def refuse_a_changed_config(seen: Observation) -> Action | None:
    """Triton's config belongs to the model, so another config would reload the versions that serve."""
    release = _next_to_load(seen)
    mine = seen.facts(release) if release else None
    if release is None or mine is None:
        return None
    for version in sorted(seen.loaded & seen.installed.keys()):
        if seen.installed[version].facts.config_sha256 != mine.config_sha256:
            message = f"its config.pbtxt differs from that of version {version}, which is loaded; pack it with that one"
            return Fail(release, Reason.CONFIG_CHANGED, message)
    return None


def refuse_a_reused_version(seen: Observation) -> Action | None:
    """Triton holds other bytes under this version number."""
    release = _next_to_load(seen)
    if release is None or release.version not in seen.loaded:
        return None
    message = f"version {release.version} is loaded here with other bytes; give the new bytes a new version number"
    return Fail(release, Reason.VERSION_REUSED, message)


def install(seen: Observation) -> Action | None:
    """Unpacks the version that is loaded next."""
    release = _next_to_load(seen)
    return Install(release) if release and not seen.is_installed(release) else None


def load(seen: Observation) -> Action | None:
    """Loads that version, and keeps what is loaded."""
    release = _next_to_load(seen)
    return Load(release, tuple(sorted(seen.loaded | {release.version}))) if release else None


RULES: tuple[Callable[[Observation], Action | None], ...] = (
    wait_for_a_plan,
    cancel_what_the_plan_dropped,
    discard_bundles,
    discard_sets,
    fetch,
    find_signature,
    fetch_set,
    wait_for_triton,
    blame_for_a_death,
    drop_what_failed,
    drop_what_the_plan_dropped,
    discard_versions,
    prove,
    refuse_a_changed_config,
    refuse_a_reused_version,
    install,
    pin_stable,
    load,
)


def _next_to_load(seen: Observation) -> Release | None:
    """The first wanted version that is on disk, not loaded, not failed, and that may be loaded now.

    A version that does not finish unloading is not waited for: it may stay until Triton restarts. The memory check
    before a load counts it.
    """
    occupied = seen.versions(IndexState.READY, IndexState.LOADING, IndexState.UNLOADING)
    if len(occupied - seen.stuck) >= MAX_LOADED:
        return None
    for role, release in seen.wanted:
        if seen.is_loaded(release) or seen.is_blocked(role, release) or seen.facts(release) is None:
            continue
        if seen.lacks_set(release):
            continue
        if _may_follow_stable(seen, role):
            return release
    return None


def _may_follow_stable(seen: Observation, role: Role) -> bool:
    """A canary waits until stable is warm; the previous version is also loaded when stable failed."""
    stable = seen.plan.stable if seen.plan else None
    if stable is None or role is Role.STABLE or seen.is_warm(stable):
        return True
    return role is Role.PREVIOUS and seen.is_blocked(Role.STABLE, stable)


def _best(seen: Observation, versions: frozenset[int]) -> int:
    """The version to keep: a proved one if there is one, then the one that config.pbtxt names, then the newest."""
    return max(versions, key=lambda version: (version in seen.proofs, version == seen.pinned, version))
