"""Fetches an acceptance set into the cache: from the store, or from a sibling replica, as bundles are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from modelctl.bundle.acceptance import MAX_FILE_BYTES
from modelctl.bundle.errors import InvalidBundle

from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.plan import Acceptance, Plan
from replica_agent.preflight import check_disk, is_disk_full
from replica_agent.state import Progress, Reason, VersionFailed
from replica_agent.store.download import download
from replica_agent.store.errors import Refused, StoreError
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules, check, check_credentials, siblings


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
        rules = replace(self.rules, max_bytes=MAX_FILE_BYTES)
        others = [sibling.url.rstrip("/") for sibling in plan.siblings if sibling.name != self.replica]
        sources = [(wanted.uri, rules)]
        sources += [(f"{url}/acceptance/{wanted.digest}", siblings(rules)) for url in others]
        failures: list[VersionFailed] = []
        self._check(wanted.uri)
        for uri, allowed in sources:
            try:
                return self._fetch_from(uri, allowed, wanted, on_progress)
            except VersionFailed as failure:
                if failure.reason not in (Reason.FETCH_FAILED, Reason.ACCEPTANCE_INVALID):
                    raise
                failures.append(failure)
        raise VersionFailed(failures[0].reason, "; ".join(failure.message for failure in failures))

    def _check(self, uri: str) -> None:
        try:
            check_credentials(uri)
            check(uri, self.rules.prefixes)
        except Refused as refused:
            raise VersionFailed(Reason.FETCH_FAILED, f"acceptance set: {refused}") from None

    def _fetch_from(self, uri: str, rules: Rules, wanted: Acceptance, on_progress: Callable[[Progress], None]) -> None:
        def on_chunk(received: int, total: int | None) -> None:
            check_disk(self.folder, total - received if total else 0, self.min_free_disk_bytes)
            on_progress(Progress(received, total))

        with self.sets.partial() as partial:
            try:
                _compare(uri, download(uri, partial, on_chunk, rules, wanted.digest), wanted.digest)
                self.sets.add(partial, wanted.digest)
            except StoreError as error:
                raise VersionFailed(Reason.FETCH_FAILED, f"acceptance set: {error}") from None
            except InvalidBundle as error:
                raise VersionFailed(Reason.ACCEPTANCE_INVALID, f"acceptance set {redact(uri)}: {error}") from None
            except OSError as error:
                reason = Reason.INSUFFICIENT_DISK if is_disk_full(error) else Reason.FETCH_FAILED
                raise VersionFailed(reason, f"acceptance set: {self.folder}: {error.strerror or error}") from None


def _compare(uri: str, actual: str, wanted: str) -> None:
    if actual != wanted:
        message = f"it has digest {actual}, spec.acceptance says {wanted}; correct spec.acceptance or the store"
        raise VersionFailed(Reason.ACCEPTANCE_INVALID, f"acceptance set {redact(uri)}: {message}")
