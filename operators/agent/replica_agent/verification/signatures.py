"""Finds a bundle's signature, beside it in the store or at a sibling, and says whether the bundle may be used."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from modelctl.bundle.oci.reference import signature_address
from modelctl.bundle.signature.check import SUFFIX
from modelctl.bundle.signature.envelope import MAX_BYTES

from replica_agent.plan import Plan, Release
from replica_agent.sources import at_others
from replica_agent.state import Reason, Signature, VersionFailed
from replica_agent.store.download import download
from replica_agent.store.errors import Missing, StoreError
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules, check_credentials, siblings
from replica_agent.uri_schemes import Access, access
from replica_agent.verification.verifier import Verifier

TIMEOUT_SECONDS = 30.0

log = logging.getLogger(__name__)


class Signatures:
    """`staging`: a folder for what is on its way. `enforced`: what nobody trusted signed is refused, not only told."""

    def __init__(self, verifier: Verifier, staging: Path, replica: str, rules: Rules, enforced: bool) -> None:
        self._verifier, self._staging, self._replica = verifier, staging, replica
        self._rules = replace(rules, max_bytes=MAX_BYTES, timeout_seconds=min(rules.timeout_seconds, TIMEOUT_SECONDS))
        self._enforced = enforced

    def look(self, release: Release, model: str) -> Signature:
        """What is known without asking anybody."""
        return self._verifier.look(release.digest, model)

    def require(self, release: Release, plan: Plan) -> None:
        """Raises VersionFailed where signatures are enforced and none is good; blocks while it looks for one."""
        if not self._enforced:
            return
        found, was_silent = self._find(release, plan)
        if found.problem:
            reason = Reason.FETCH_FAILED if was_silent else Reason.SIGNATURE_REFUSED
            raise VersionFailed(reason, f"version {release.version} is not used: {found.problem}")

    def discard(self, digests: Iterable[str]) -> None:
        """Forgets the signatures of bundles that are deleted."""
        self._verifier.discard(digests)

    def find(self, release: Release, plan: Plan) -> None:
        """Looks for a signature unless a good one is here; blocks."""
        self._find(release, plan)

    def _find(self, release: Release, plan: Plan) -> tuple[Signature, bool]:
        """The verdict, and whether the store, which may have a good one, did not answer."""
        here = self.look(release, plan.model)
        if not here.problem:
            return here, False
        problems: list[str] = []
        was_silent = False
        for uri, rules in self._sources(release, plan):
            try:
                content = self._download(uri, rules, release.digest)
                found = self._verifier.judge(content, release.digest, plan.model)
                if not found.problem:
                    self._verifier.keep(release.digest, content)
                    return found, False
                problems.append(f"{redact(uri)}: {found.problem}")
            except Missing as missing:
                problems.append(f"nobody signed the bundle, or the signature is elsewhere: {missing}")
            except (StoreError, OSError) as error:
                was_silent = was_silent or not problems
                problems.append(str(error))
        self._verifier.note(release.digest, problems[0])
        return Signature(problem="; ".join(problems)), was_silent

    def _sources(self, release: Release, plan: Plan) -> Iterable[tuple[str, Rules]]:
        """The store first: what it says is reported. A sibling's signature is as good, because it is checked here."""
        yield _address(release), self._rules
        for url in at_others(plan, self._replica, f"bundles/{release.digest}/signature"):
            yield url, siblings(self._rules)

    def _download(self, uri: str, rules: Rules, digest: str) -> bytes:
        """Raises StoreError, OSError."""
        check_credentials(uri)
        with TemporaryDirectory(dir=self._staging) as folder:
            target = Path(folder) / "signature"
            download(uri, target, lambda received, total: None, rules, digest)
            return target.read_bytes()


def _address(release: Release) -> str:
    """Beside the bundle: behind its address, in a registry a tag of its repository."""
    if access(release.uri) is Access.OCI:
        return signature_address(release.uri, release.digest)
    return f"{release.uri}{SUFFIX}"
