"""Brings one bundle into the cache: from the store, else from a sibling; verified the same. It blocks."""

from collections.abc import Callable
from pathlib import Path

from modelctl.bundle.errors import InvalidBundle

from replica_agent import store
from replica_agent.bundles import Bundles
from replica_agent.plan import Plan, Release
from replica_agent.preflight import check_disk, is_disk_full
from replica_agent.state import Progress, Reason, VersionFailed

Report = Callable[[Progress], None]
"""Called after every chunk; may raise to stop the fetch."""


class Fetcher:
    def __init__(self, bundles: Bundles, folder: Path, replica: str, min_free_disk_bytes: int) -> None:
        self._bundles, self._folder, self._replica = bundles, folder, replica
        self._min_free_disk_bytes = min_free_disk_bytes

    def fetch(self, release: Release, plan: Plan, report: Report) -> None:
        """Raises VersionFailed; whatever does not verify leaves nothing behind."""
        siblings = (sibling for sibling in plan.siblings if sibling.name != self._replica)
        sources = [release.uri, *(f"{sibling.url.rstrip('/')}/bundles/{release.digest}" for sibling in siblings)]
        failures: list[VersionFailed] = []
        for uri in sources:
            try:
                return self._fetch_from(uri, release, plan.model, report)
            except VersionFailed as failure:
                if failure.reason not in (Reason.FETCH_FAILED, Reason.DIGEST_MISMATCH):
                    raise
                failures.append(failure)
        # Wrong bytes in the store are final; a sibling that lies says nothing about a store that is away.
        raise VersionFailed(failures[0].reason, "; ".join(failure.message for failure in failures))

    def _fetch_from(self, uri: str, release: Release, model: str, report: Report) -> None:
        def follow(received: int, total: int | None) -> None:
            # What is still to come, as far as the source says, and as much as the whole again for unpacking.
            to_come = total - received if total else 0
            check_disk(self._folder, to_come + max(received, total or 0), self._min_free_disk_bytes)
            report(Progress(received, total))

        with self._bundles.partial() as partial:
            try:
                digest = store.download(uri, partial, follow)
                report(Progress(partial.stat().st_size, partial.stat().st_size, complete=True))
                _compare(uri, digest, release.digest)
                self._bundles.add(partial, release.digest, model, release.version)
            except store.StoreError as error:
                raise VersionFailed(Reason.FETCH_FAILED, str(error)) from None
            except InvalidBundle as error:
                raise VersionFailed(Reason.BUNDLE_INVALID, str(error)) from None
            except OSError as error:
                reason = Reason.INSUFFICIENT_DISK if is_disk_full(error) else Reason.FETCH_FAILED
                raise VersionFailed(reason, f"{self._folder}: {error.strerror or error}") from None


def _compare(uri: str, actual: str, wanted: str) -> None:
    if actual != wanted:
        message = f"{store.redact(uri)} has digest {actual}, the plan says {wanted}; correct the plan or the store"
        raise VersionFailed(Reason.DIGEST_MISMATCH, message)
