"""The loop of one replica: observe, decide, act, report."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any

from replica_agent.actions import (
    Action,
    Cancel,
    Discard,
    Drop,
    Fail,
    Fetch,
    FetchSet,
    FindSignature,
    Install,
    Job,
    Load,
    Pin,
    Prove,
    TryAgain,
    Wait,
)
from replica_agent.attempts import Attempts
from replica_agent.decide import decide
from replica_agent.jobs import Jobs
from replica_agent.kept_proofs import KeptProofs
from replica_agent.loaded import LoadedVersions
from replica_agent.metrics import Metrics
from replica_agent.observation import Observation
from replica_agent.plan import Plan, Release, Role
from replica_agent.plan_source import Followed, Follower
from replica_agent.replica import Replica
from replica_agent.report import is_ready, report_versions
from replica_agent.snapshot import Snapshot, log_transitions
from replica_agent.state import TRANSIENT, Progress, Reason, Signature, VersionFailed
from replica_agent.tracing import Tracer
from replica_agent.triton import TritonGone

POLL_SECONDS = 0.5
PAUSE_SECONDS = 2.0
SIGNATURE_SECONDS = 60.0  # between two looks for a signature that is not there or not good

# Triton may return these errors a moment before a version kills it, so they count only if Triton outlives them.
LAST_WORDS = frozenset({Reason.LOAD_FAILED, Reason.WARMUP_ERROR})
LAST_WORDS_SECONDS = 0.5

LOST_TRITON = "lost Triton during a job; trying again"

log = logging.getLogger(__name__)


class FetchCancelled(Exception):
    """The plan no longer wants what is being fetched."""


class Agent:
    """The loop of the replica `name`. `snapshot` is replaced after every turn."""

    def __init__(
        self,
        name: str,
        replica: Replica,
        follower: Follower,
        attempts: Attempts,
        kept: KeptProofs,
        metrics: Metrics,
        tracer: Tracer,
    ) -> None:
        self._name, self._replica, self._follower, self._attempts = name, replica, follower, attempts
        self.metrics, self._tracer = metrics, tracer
        self._awake = asyncio.Event()
        self._jobs = Jobs(self.wake)
        self._held = LoadedVersions(replica.triton, self._jobs, kept)
        self._fetching: dict[str, Progress] = {}
        self._paused_until_seconds = 0.0
        self._signature_due_seconds: dict[str, float] = {}
        self.snapshot = Snapshot(follower.followed)

    @property
    def knows(self) -> bool:
        """Whether it has asked Triton since it started, or has no plan to ask about: else `snapshot` says nothing."""
        return self._held.asked or self._follower.followed.plan is None

    def wake(self) -> None:
        """Starts the next turn at once."""
        self._awake.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        try:
            while True:
                if isinstance(await self._reconcile_safely(), Wait | None):
                    # Not wait_for, which in Python 3.11 swallows a cancellation that meets a wake-up.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._awake.wait()
                self._awake.clear()
        finally:
            await self._jobs.close()

    async def reconcile(self) -> Action | None:
        """One turn; returns the action that it started, None when there is nothing to do."""
        seen = await self._observe()
        action = decide(seen)
        if action and seen.plan:
            self._act(action, seen.plan, seen)
        self._report(seen)
        return action

    async def _reconcile_safely(self) -> Action | None:
        try:
            return await self.reconcile()
        except Exception:
            log.exception("a turn of the loop failed; trying again")
            return None

    async def _observe(self) -> Observation:
        followed = self._follow()
        plan, held, repository = followed.plan, self._held, self._replica.repository
        installed = repository.installed(plan.model) if plan else {}
        if plan:
            await held.read(plan.model, {version: one.digest for version, one in installed.items()})
        now = time.monotonic()
        signatures = self._look_at_signatures(plan) if plan else {}
        return Observation(
            replica=self._name,
            plan=plan,
            live=followed.live,
            bundles=self._replica.bundles.all(),
            installed=installed,
            pinned=repository.pinned(plan.model) if plan else None,
            index=held.index,
            proofs=dict(held.proofs),
            failures=dict(self._attempts.failures),
            attempts=self._attempts.open,
            deaths=dict(self._attempts.deaths),
            jobs=self._jobs.running,
            loaded_here=frozenset(held.loaded_here),
            sets=self._replica.sets.all(),
            fetching=dict(self._fetching),
            stuck=held.stuck,
            paused=held.late or now < self._paused_until_seconds,
            signatures=signatures,
            signatures_due=frozenset(one for one in signatures if self._signature_due_seconds.get(one, 0) <= now),
            now_seconds=now,
        )

    def _look_at_signatures(self, plan: Plan) -> dict[str, Signature]:
        look = self._replica.signatures
        return {one.digest: look.look(one, plan.model) for _, one in plan.wanted(self._name)} if look else {}

    def _follow(self) -> Followed:
        followed = self._follower.poll()
        if followed.plan and followed.live:
            self._attempts.forget_others(map(followed.plan.attempt, followed.plan.releases))
        return followed

    def _act(self, action: Action, plan: Plan, seen: Observation) -> None:
        match action:
            case Cancel(job):
                self._jobs.cancel(job)
            case Fail(release, reason, message):
                self._fail(plan, release, reason, message)
            case TryAgain(release):
                log.warning("Triton died during an attempt; trying once more", extra={"version": release.version})
                self._attempts.die(plan.attempt(release))
            case Pin(version):
                self._replica.repository.pin(plan.model, version)
            case Discard(digests, versions, sets):
                self._replica.discard(plan.model, digests, versions, sets)
            case Wait():
                pass
            case _:
                self._start(action, plan, self._work(action, plan, seen))

    def _work(self, job: Job, plan: Plan, seen: Observation) -> Coroutine[Any, Any, None]:
        match job:
            case FetchSet():
                return self._fetch_set(job, plan)
            case Fetch():
                return self._fetch(job, plan)
            case FindSignature(release):
                return self._find_signature(release, plan)
            case Install(release):
                return self._install(release, plan)
            case Load():
                return self._load(job, plan, seen)
            case Prove():
                return self._prove(job, plan)
            case Drop(versions):
                return self._replica.drop(plan, versions)

    def _start(self, job: Job, plan: Plan, work: Coroutine[Any, Any, None]) -> None:
        log.info(type(job).__name__.lower(), extra=_describe(job))
        self._jobs.start(job, self._guard(job, plan, work))

    async def _guard(self, job: Job, plan: Plan, work: Coroutine[Any, Any, None]) -> None:
        """Awaits `work` and records what its end says about the version."""
        connection = self._replica.triton.connection
        try:
            await work
        except VersionFailed as failure:
            if failure.reason in LAST_WORDS and not await self._outlived(connection):
                log.warning(
                    "lost Triton during a job; trying again",
                    extra={"error": failure.message, **_describe(job)},
                )
            elif not isinstance(job, Drop):
                self._fail(plan, job.release, failure.reason, failure.message)
        except TritonGone as error:
            log.warning("lost Triton during a job; trying again", extra={"error": str(error), **_describe(job)})
        except FetchCancelled:
            pass
        except asyncio.CancelledError:
            if isinstance(job, Load | Prove):
                self._attempts.abandon(plan.attempt(job.release))
            raise
        except Exception as error:
            log.exception("a job failed unexpectedly; trying again", extra=_describe(job))
            self._paused_until_seconds = time.monotonic() + PAUSE_SECONDS
            if isinstance(job, Fetch):
                self._fail(plan, job.release, Reason.FETCH_FAILED, f"{type(error).__name__}: {error}")

    async def _outlived(self, connection: int) -> bool:
        await asyncio.sleep(LAST_WORDS_SECONDS)
        return self._replica.triton.connected and self._replica.triton.connection == connection

    async def _fetch(self, job: Fetch, plan: Plan) -> None:
        digest = job.release.digest

        def on_progress(progress: Progress) -> None:
            if job not in self._jobs.running:
                raise FetchCancelled
            before = self._fetching.get(digest, Progress())
            self.metrics.fetched.inc(max(0, progress.bytes - before.bytes))
            self._fetching[digest] = progress

        try:
            await self._replica.fetch(job.release, plan, on_progress, self._tracer.of(plan, job.release))
        finally:
            self._fetching.pop(digest, None)

    async def _find_signature(self, release: Release, plan: Plan) -> None:
        self._signature_due_seconds[release.digest] = time.monotonic() + SIGNATURE_SECONDS
        await self._replica.find_signature(release, plan)

    async def _fetch_set(self, job: FetchSet, plan: Plan) -> None:
        def on_progress(progress: Progress) -> None:
            if job not in self._jobs.running:
                raise FetchCancelled

        if job.release.acceptance:
            await self._replica.fetch_set(job.release.acceptance, plan, on_progress)

    async def _install(self, release: Release, plan: Plan) -> None:
        await self._replica.require_signature(release, plan)
        with self._tracer.of(plan, release).span("unpack"):
            await self._replica.install(plan.model, release)

    async def _load(self, job: Load, plan: Plan, seen: Observation) -> None:
        trace = self._tracer.of(plan, job.release)
        await self._replica.require_signature(job.release, plan)
        with trace.span("verify files"):
            await self._replica.check_memory(seen, job.release)
            await self._replica.check_files(plan.model, job.release)
        self._attempts.begin(plan.attempt(job.release))
        started = time.monotonic()
        with trace.span("load"):
            await self._replica.load(plan, job.release, job.versions)
        self._held.loaded_here.add(job.release.version)
        self.metrics.load.observe(time.monotonic() - started)

    async def _prove(self, job: Prove, plan: Plan) -> None:
        self._attempts.begin(plan.attempt(job.release))
        started, connection = time.monotonic(), self._replica.triton.connection
        proof = await self._replica.prove(plan, job.release, job.paced, self._tracer.of(plan, job.release))
        self.metrics.warmup.observe(time.monotonic() - started)
        self.metrics.golden.labels("matched").inc()
        self._attempts.succeed(plan.attempt(job.release))
        if connection == self._replica.triton.connection:
            self._held.proofs[job.release.version] = proof

    def _fail(self, plan: Plan, release: Release, reason: Reason, message: str) -> None:
        """Records a failure. It is retried when it may pass with time, and always for stable."""
        if reason is Reason.GOLDEN_MISMATCH:
            self.metrics.golden.labels("mismatched").inc()
        again = reason in TRANSIENT or (Role.STABLE, release) in plan.wanted(self._name)
        self._attempts.fail(plan.attempt(release), reason, message, time.monotonic() if again else None)

    def _report(self, seen: Observation) -> None:
        before, held = self.snapshot, self._held
        self.snapshot = Snapshot(
            self._follower.followed,
            report_versions(seen),
            is_ready(seen),
            held.index is not None,
            held.restarts,
            self._replica.triton.vitals.ended_answering,
            held.server_id or "",
        )
        log_transitions(before, self.snapshot)


def _describe(job: Job) -> dict[str, Any]:
    if isinstance(job, Drop):
        return {"kept": list(job.versions)}
    return {"version": job.release.version, "digest": job.release.digest}
