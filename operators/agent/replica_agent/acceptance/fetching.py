"""Fetches an acceptance set into the cache: from the store, or from a sibling replica, as bundles are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from modelctl.bundle.acceptance import MAX_FILE_BYTES
from modelctl.bundle.errors import InvalidBundle

from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.plan import Acceptance, Plan
from replica_agent.preflight import check_disk, is_disk_full
from replica_agent.sources import at_others, fetch_from_first
from replica_agent.state import Progress, Reason, VersionFailed
from replica_agent.store.download import download
from replica_agent.store.errors import StoreError
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules


@dataclass(frozen=True)
class SetFetcher:
    """`folder` is on the file system whose free space counts; `replica` is this replica's name among the siblings."""

    sets: AcceptanceSets
    folder: Path
    replica: str
    min_free_disk_bytes: int
    rules: Rules

    def fetch(self, wanted: Acceptance, plan: Plan, on_progress: Callable[[Progress], None]) -> None:
        """Blocks until the set is cached. Raises VersionFailed and what `on_progress` raises; then no file is left."""

        def fetch_from(uri: str, rules: Rules) -> None:
            self._fetch_from(uri, rules, wanted, on_progress)

        rules = replace(self.rules, max_bytes=MAX_FILE_BYTES)
        others = at_others(plan, self.replica, f"acceptance/{wanted.digest}")
        try:
            fetch_from_first(wanted.uri, rules, others, fetch_from, (Reason.FETCH_FAILED, Reason.ACCEPTANCE_INVALID))
        except VersionFailed as failure:
            raise VersionFailed(failure.reason, f"acceptance set: {failure.message}") from None

    def _fetch_from(self, uri: str, rules: Rules, wanted: Acceptance, on_progress: Callable[[Progress], None]) -> None:
        def on_chunk(received: int, total: int | None) -> None:
            check_disk(self.folder, total - received if total else 0, self.min_free_disk_bytes)
            on_progress(Progress(received, total))

        with self.sets.partial() as partial:
            try:
                _compare(uri, download(uri, partial, on_chunk, rules, wanted.digest), wanted.digest)
                self.sets.add(partial, wanted.digest)
            except StoreError as error:
                raise VersionFailed(Reason.FETCH_FAILED, str(error)) from None
            except InvalidBundle as error:
                raise VersionFailed(Reason.ACCEPTANCE_INVALID, f"{redact(uri)}: {error}") from None
            except OSError as error:
                reason = Reason.INSUFFICIENT_DISK if is_disk_full(error) else Reason.FETCH_FAILED
                raise VersionFailed(reason, f"{self.folder}: {error.strerror or error}") from None


def _compare(uri: str, actual: str, wanted: str) -> None:
    if actual != wanted:
        message = f"it has digest {actual}, spec.acceptance says {wanted}; correct spec.acceptance or the store"
        raise VersionFailed(Reason.ACCEPTANCE_INVALID, f"{redact(uri)}: {message}")
