"""Fetches one bundle into the cache: from the store, or from a sibling replica. Both are verified alike."""

from collections.abc import Callable
from pathlib import Path

from modelctl.bundle.errors import InvalidBundle

from replica_agent.bundles import Bundles
from replica_agent.plan import Plan, Release
from replica_agent.preflight import check_disk, is_disk_full
from replica_agent.sources import at_others, fetch_from_first
from replica_agent.state import Progress, Reason, VersionFailed
from replica_agent.store.download import download
from replica_agent.store.errors import StoreError, WrongDigest
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules
from replica_agent.tracing import UNTRACED, VersionTrace

OnProgress = Callable[[Progress], None]
"""Called after every chunk; it may raise to stop the fetch."""


class Fetcher:
    """`folder` is on the file system whose free space counts; `replica` is this replica's name among the siblings.

    `rules` say which stores may be asked.
    """

    def __init__(self, bundles: Bundles, folder: Path, replica: str, min_free_disk_bytes: int, rules: Rules) -> None:
        self._bundles, self._folder, self._replica = bundles, folder, replica
        self._min_free_disk_bytes, self._rules = min_free_disk_bytes, rules

    def fetch(self, release: Release, plan: Plan, on_progress: OnProgress, trace: VersionTrace = UNTRACED) -> None:
        """Blocks until the bundle is cached.

        Raises VersionFailed and what `on_progress` raises; then no file is left.
        """

        def fetch_from(uri: str, rules: Rules) -> None:
            self._fetch_from(uri, rules, release, plan.model, on_progress, trace)

        others = at_others(plan, self._replica, f"bundles/{release.digest}")
        fetch_from_first(release.uri, self._rules, others, fetch_from, (Reason.FETCH_FAILED, Reason.DIGEST_MISMATCH))

    def _fetch_from(
        self, uri: str, rules: Rules, release: Release, model: str, on_progress: OnProgress, trace: VersionTrace
    ) -> None:
        def on_chunk(received: int, total: int | None) -> None:
            # The rest of the bundle, as far as the source says its size, and the whole again for unpacking.
            to_come = total - received if total else 0
            check_disk(self._folder, to_come + max(received, total or 0), self._min_free_disk_bytes)
            on_progress(Progress(received, total))

        with self._bundles.partial() as partial:
            try:
                with trace.span("fetch") as said:
                    said["medinfer.source"] = "store" if uri == release.uri else "another replica"
                    digest = download(uri, partial, on_chunk, rules, release.digest)
                    size = said["medinfer.bytes"] = partial.stat().st_size
                on_progress(Progress(size, size, complete=True))
                with trace.span("verify"):
                    _compare(uri, digest, release.digest)
                    self._bundles.add(partial, release.digest, model, release.version)
            except WrongDigest as error:
                raise VersionFailed(Reason.DIGEST_MISMATCH, str(error)) from None
            except StoreError as error:
                raise VersionFailed(Reason.FETCH_FAILED, str(error)) from None
            except InvalidBundle as error:
                raise VersionFailed(Reason.BUNDLE_INVALID, str(error)) from None
            except OSError as error:
                reason = Reason.INSUFFICIENT_DISK if is_disk_full(error) else Reason.FETCH_FAILED
                raise VersionFailed(reason, f"{self._folder}: {error.strerror or error}") from None


def _compare(uri: str, actual: str, wanted: str) -> None:
    if actual != wanted:
        message = f"{redact(uri)} has digest {actual}, the plan says {wanted}; correct the plan or the store"
        raise VersionFailed(Reason.DIGEST_MISMATCH, message)
