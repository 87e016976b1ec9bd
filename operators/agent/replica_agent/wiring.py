"""Makes the agent's loop out of its parts.

The parts import gRPC, protobuf and numpy, which take most of a start. `main` imports this module on a thread, so that
the agent's endpoints answer first.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from medinfer_common.config_map_watch import ConfigMapWatch

from replica_agent.acceptance.fetching import SetFetcher
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.agent import Agent
from replica_agent.attempts import Attempts
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.files import empty_folder
from replica_agent.kept_proofs import KeptProofs
from replica_agent.metrics import Metrics
from replica_agent.plan_source import Follower, PlanFile, PlanSource, WatchedPlan
from replica_agent.replica import Replica
from replica_agent.repository import Repository
from replica_agent.settings import Settings, Verification
from replica_agent.tracing import Tracer
from replica_agent.triton import Triton
from replica_agent.verification.signature_files import SignatureFiles

if TYPE_CHECKING:
    from replica_agent.span_sender import SpanSender
    from replica_agent.verification.signatures import Signatures

PLAN_KEY = "plan.json"
USER_AGENT = "medinfer-agent"

log = logging.getLogger(__name__)


class Wiring:
    """Everything but the connection to Triton, which belongs to the event loop. Raises OSError."""

    def __init__(
        self,
        settings: Settings,
        bundles: Bundles,
        signatures: SignatureFiles,
        sets: AcceptanceSets,
        metrics: Metrics,
    ) -> None:
        self._settings, self._bundles, self._sets, self._metrics = settings, bundles, sets, metrics
        self._staging = settings.data_dir / "staging"
        empty_folder(self._staging)
        self._follower = Follower(_plan_source(settings), settings.data_dir / PLAN_KEY)
        self._attempts = Attempts(settings.data_dir / "attempts.json")
        self._kept_proofs = KeptProofs(settings.data_dir / "proofs.json")
        self._signatures = _signatures(settings, signatures, self._staging)
        self._spans = _span_sender(settings, metrics)

    def connect(self) -> tuple[Triton, Agent]:
        """Both still have to be run. Must be called inside the running loop."""
        settings, bundles = self._settings, self._bundles
        triton = Triton(settings.triton_address, settings.grpc_key)
        repository = Repository(
            settings.repository_dir, self._staging, settings.instance_kind, settings.operator_domains
        )
        fetcher = Fetcher(bundles, settings.data_dir, settings.replica, settings.min_free_disk_bytes, settings.rules)
        disk = settings.data_dir, settings.replica, settings.min_free_disk_bytes
        set_fetcher = SetFetcher(self._sets, *disk, settings.rules)
        replica = Replica(settings, triton, repository, bundles, fetcher, self._sets, set_fetcher, self._signatures)
        if self._spans:
            self._spans.start()
        tracer = Tracer(self._spans, settings.replica)
        remembered = self._attempts, self._kept_proofs
        return triton, Agent(settings.replica, replica, self._follower, *remembered, self._metrics, tracer)

    async def close(self) -> None:
        """Sends the spans that wait."""
        if self._spans:
            await self._spans.stop()


def _signatures(settings: Settings, files: SignatureFiles, staging: Path) -> "Signatures | None":
    if settings.verification is Verification.OFF or settings.signers_file is None:
        log.warning("bundles are not verified: whoever edits a rollout releases any bundle of an allowed store")
        return None
    from replica_agent.verification.signatures import Signatures  # only where it is used: cryptography comes with it
    from replica_agent.verification.verifier import Verifier

    enforced = settings.verification is Verification.ENFORCE
    return Signatures(Verifier(settings.signers_file, files), staging, settings.replica, settings.rules, enforced)


def _span_sender(settings: Settings, metrics: Metrics) -> "SpanSender | None":
    if not settings.tracing_endpoint:
        return None
    from replica_agent.span_sender import SpanSender  # only where it is used: OpenTelemetry comes with it

    return SpanSender(settings.tracing_endpoint, metrics.count_spans)


def _plan_source(settings: Settings) -> PlanSource:
    """The ConfigMap where one is named, else the file."""
    file = PlanFile(settings.plan_file)
    if not settings.plan_configmap:
        return file
    from medinfer_common.kube_api import read_changes  # only where it is used: it takes half a second and 8 MB

    name, namespace = settings.plan_configmap, settings.namespace
    watch = ConfigMapWatch(name, PLAN_KEY, lambda: read_changes(name, namespace, USER_AGENT))
    watch.start()
    return WatchedPlan(watch, file)
