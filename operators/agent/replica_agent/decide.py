"""The next step of one replica.

Nothing here talks to Triton, a disk or a clock: an Observation comes in, one Action comes out. Rules are tried in
order; the first that applies wins. Order matters for patients: what leaves goes before what comes, stable comes first,
and nothing is asked of Triton while it is busy.
"""

from collections.abc import Callable

from replica_agent.actions import Action, Cancel, Discard, Drop, Fail, Fetch, Install, Load, Pin, Prove, Wait
from replica_agent.observation import Observation
from replica_agent.plan import Release, Role
from replica_agent.state import IndexState, Reason

MAX_LOADED = 2


def decide(seen: Observation) -> Action | None:
    """None: nothing to do until something changes."""
    return next((action for rule in RULES if (action := rule(seen))), None)


def wait_for_a_plan(seen: Observation) -> Action | None:
    return None if seen.plan else Wait()


def cancel_what_the_plan_dropped(seen: Observation) -> Action | None:
    wanted = {release for _, release in seen.wanted}
    jobs = (job for job in seen.jobs if isinstance(job, Fetch | Prove) and job.release not in wanted)
    return next((Cancel(job) for job in jobs), None)


def discard_bundles(seen: Observation) -> Action | None:
    """The cache holds what the plan names or Triton still holds; before a fetch, which may need the room."""
    named = {release.digest for _, release in seen.wanted}
    held = {installed.digest for installed in seen.installed.values()}
    strays = sorted(seen.bundles.keys() - named - held)
    return Discard(digests=tuple(strays)) if seen.live and strays else None


def fetch(seen: Observation) -> Action | None:
    for role, release in seen.wanted:
        here = release.digest in seen.bundles or seen.is_installed(release)
        if not here and Fetch(release) not in seen.jobs and not seen.is_blocked(role, release):
            return Fetch(release)
    return None


def wait_for_triton(seen: Observation) -> Action | None:
    """One load, drop or proof at a time; and a load whose answer was lost is watched, never sent again."""
    busy = any(not isinstance(job, Fetch) for job in seen.jobs)
    unknown = seen.index is None or seen.versions(IndexState.LOADING)
    return Wait() if busy or unknown or seen.paused else None


def blame_for_a_death(seen: Observation) -> Action | None:
    """An attempt is open, nobody works on it, and Triton knows nothing of it: Triton died in it."""
    for _, release in seen.wanted:
        if seen.plan and seen.plan.attempt(release) in seen.attempts and release.version not in seen.loaded:
            message = f"Triton died while version {release.version} was loaded or warmed"
            return Fail(release, Reason.TRITON_DIED, message)
    return None


def drop_what_failed(seen: Observation) -> Action | None:
    """It is loaded but gave wrong answers: out with it. Stable stays, as the API may have nothing better."""
    failed = {
        release.version
        for role, release in seen.wanted
        if role is not Role.STABLE and seen.is_loaded(release) and seen.has_failed_for_good(release)
    }
    left = seen.loaded - failed
    return Drop(tuple(sorted(left))) if failed and left else None


def drop_what_the_plan_dropped(seen: Observation) -> Action | None:
    """Only on a plan seen live, and never the last version that can serve."""
    planned = {release.version for _, release in seen.wanted if seen.is_loaded(release)}
    warm = {release.version for _, release in seen.wanted if seen.is_warm(release)}
    strays = seen.loaded - planned
    kept = frozenset() if warm else frozenset({_best(seen, strays)} if strays else ())
    left = planned | kept
    return Drop(tuple(sorted(left))) if seen.live and strays - kept else None


def discard_versions(seen: Observation) -> Action | None:
    busy = seen.versions(IndexState.READY, IndexState.LOADING, IndexState.UNLOADING)
    planned = {release.version for _, release in seen.wanted if seen.is_installed(release)}
    strays = sorted(seen.installed.keys() - planned - busy)
    return Discard(versions=tuple(strays)) if seen.live and strays else None


def pin_stable(seen: Observation) -> Action | None:
    """What an empty load would fall back to: stable, or the only canary of a first install."""
    if not seen.wanted:
        return None
    _, first = seen.wanted[0]
    return Pin(first.version) if seen.is_installed(first) and seen.pinned != first.version else None


def prove(seen: Observation) -> Action | None:
    for role, release in seen.wanted:
        if seen.is_loaded(release) and not seen.is_warm(release) and not seen.is_blocked(role, release):
            return Prove(release, paced=seen.loaded != {release.version} or release.version not in seen.loaded_here)
    return None


def refuse_a_changed_config(seen: Observation) -> Action | None:
    """Triton's config belongs to the model: another one would reload the versions that serve."""
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
    release = _next_to_load(seen)
    if release is None or release.version not in seen.loaded:
        return None
    message = f"version {release.version} is loaded here with other bytes; give the new bytes a new version number"
    return Fail(release, Reason.VERSION_REUSED, message)


def install(seen: Observation) -> Action | None:
    release = _next_to_load(seen)
    return Install(release) if release and not seen.is_installed(release) else None


def load(seen: Observation) -> Action | None:
    release = _next_to_load(seen)
    return Load(release, tuple(sorted(seen.loaded | {release.version}))) if release else None


RULES: tuple[Callable[[Observation], Action | None], ...] = (
    wait_for_a_plan,
    cancel_what_the_plan_dropped,
    discard_bundles,
    fetch,
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
    """The first wanted version that is on disk, not loaded, not failed, and whose turn it is.

    What is stuck on its way out is not waited for: it may stay for ever, and the memory that it holds is seen before
    the load.
    """
    occupied = seen.versions(IndexState.READY, IndexState.LOADING, IndexState.UNLOADING)
    if len(occupied - seen.stuck) >= MAX_LOADED:
        return None
    for role, release in seen.wanted:
        if seen.is_loaded(release) or seen.is_blocked(role, release) or seen.facts(release) is None:
            continue
        if _may_follow_stable(seen, role):
            return release
    return None


def _may_follow_stable(seen: Observation, role: Role) -> bool:
    """A canary waits for a warm stable; a way back (previous) also comes when stable failed."""
    stable = seen.plan.stable if seen.plan else None
    if stable is None or role is Role.STABLE or seen.is_warm(stable):
        return True
    return role is Role.PREVIOUS and seen.is_blocked(Role.STABLE, stable)


def _best(seen: Observation, versions: frozenset[int]) -> int:
    """The one to keep: proved before unproved, then the one that config.pbtxt names, then the newest."""
    return max(versions, key=lambda version: (version in seen.proofs, version == seen.pinned, version))
