"""A replica in memory: an agent and its Triton, which obey their contracts (docs/contracts.md) and nothing more."""

from dataclasses import dataclass, field

from rollout_operator.documents.agent import (
    AcceptedReport,
    AgentState,
    GoldenCount,
    TritonReport,
    VersionReport,
    VersionState,
    WarmupReport,
)
from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.documents.plan import Plan
from rollout_operator.documents.release import Acceptance

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")
PREPROCESSING = {"resample": "bilinear", "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1], "intensity": None}
MAX_LOADED = 2


@dataclass(frozen=True)
class Behaviour:
    """Of a bundle, by digest. `fails`: the agent's reason. `error_share`, `wrong_share`: of its answers."""

    fails: str = ""
    error_share: float = 0.0
    wrong_share: float = 0.0
    slow: bool = False
    refused_by: str = ""  # the digest of an acceptance set


def retry_of(plan: Plan | None) -> int:
    return (plan.canary.retry or 0) if plan and plan.canary else 0


@dataclass
class Agent:
    """One replica: its agent and its Triton."""

    name: str
    uid: int = 0
    container: int = 0
    up: bool = True
    terminating: bool = False
    not_ready_since: float | None = None
    plan: Plan | None = None
    loaded: dict[int, str] = field(default_factory=dict)
    warm: set[int] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    accepted: dict[int, str] = field(default_factory=dict)
    triton_end: ContainerEnd = ContainerEnd.UNKNOWN
    sees_another: bool = False

    @property
    def pod_uid(self) -> str:
        return f"{self.name}-{self.uid}"

    @property
    def instance(self) -> str:
        return f"{self.pod_uid}/{self.container}"

    @property
    def server_id(self) -> str:
        """Of the process of Triton, which ends with its container."""
        return f"medinfer-{self.instance}"

    def wanted(self) -> list[tuple[str, int, str, str]]:
        """(role, version, digest, uri), in the order of loading."""
        plan = self.plan
        if plan is None:
            return []
        found = [("stable", plan.stable.version, plan.stable.digest, plan.stable.uri)] if plan.stable else []
        one = plan.canary
        if one and (one.replicas is None or self.name in one.replicas):
            found.append(("canary", one.version, one.digest, one.uri))
        if plan.previous:
            found.append(("previous", plan.previous.version, plan.previous.digest, plan.previous.uri))
        return found

    @property
    def sets(self) -> dict[int, str]:
        """Version -> digest of the acceptance set that the plan names for it."""
        found = self.plan.releases if self.plan else ()
        return {one.version: one.acceptance.digest for one in found if one.acceptance}

    def follow(self, plan: Plan | None) -> None:
        """Absent, empty, invalid or old is never an instruction: it is refused."""
        self.sees_another = plan is None or (self.plan is not None and plan.revision < self.plan.revision)
        if plan and (self.plan is None or plan.revision > self.plan.revision):
            if retry_of(plan) != retry_of(self.plan):
                self.failed = {}
            self.plan = plan
            named = {digest for _, _, digest, _ in self.wanted()}
            self.failed = {digest: reason for digest, reason in self.failed.items() if digest in named}

    def work(self, behaviours: dict[str, Behaviour]) -> list[int]:
        """One action; returns the versions dropped by it."""
        wanted = {version: digest for _, version, digest, _ in self.wanted()}
        strays = [version for version, digest in self.loaded.items() if wanted.get(version) != digest]
        if strays and self.warm - set(strays):
            for version in strays:
                self.drop(version)
            return strays
        for version in self.loaded:
            if self.sets.get(version, "") not in ("", self.accepted.get(version)):
                self.warm.discard(version)
            if version not in self.warm:
                self._prove(version, behaviours[self.loaded[version]])
                return []
        for role, version, digest, _ in self.wanted():
            stable_is_warm = self.plan is None or self.plan.stable is None or self.plan.stable.version in self.warm
            may = (role != "canary" or stable_is_warm) and (digest not in self.failed or role == "stable")
            if version not in self.loaded and may and len(self.loaded) < MAX_LOADED:
                self._load(version, digest, behaviours[digest])
                return []
        return []

    def drop(self, version: int) -> None:
        self.loaded.pop(version, None)
        self.warm.discard(version)
        self.accepted.pop(version, None)

    def die(self, end: ContainerEnd = ContainerEnd.OTHER) -> None:
        """Triton's container starts again, empty."""
        self.container, self.triton_end = self.container + 1, end
        self.loaded, self.warm, self.accepted = {}, set(), {}

    def replace_pod(self) -> None:
        """As after a deletion: another pod of the same name, whose Triton never ended."""
        self.die(ContainerEnd.UNKNOWN)
        self.uid, self.plan = self.uid + 1, None

    def state(self) -> AgentState:
        uris = {digest: uri for _, _, digest, uri in self.wanted()}
        roles = {digest: role for role, _, digest, _ in self.wanted()}
        reports = [self._loaded_report(version, digest, roles, uris) for version, digest in self.loaded.items()]
        for role, version, digest, uri in self.wanted():
            if version not in self.loaded:
                reason = self.failed.get(digest, "")
                now = VersionState.FAILED if reason else VersionState.FETCHING
                reports.append(VersionReport(version, digest, now, role, uri, reason))
        id, revision = (self.plan.id, self.plan.revision) if self.plan else (None, 0)
        rejected = {"id": None, "reason": "another plan"} if self.sees_another else None
        triton = TritonReport(server_id=self.server_id)
        return AgentState(self.name, f"{self.name}-{self.uid}", id, revision, tuple(reports), rejected, triton)

    def _loaded_report(self, version: int, digest: str, roles: dict[str, str], uris: dict[str, str]) -> VersionReport:
        now = VersionState.WARM if version in self.warm else VersionState.WARMING
        uri = uris.get(digest, f"file:///bundles/{digest[7:15]}")
        return VersionReport(
            version,
            digest,
            now,
            roles.get(digest, ""),
            uri,
            "",
            "",
            LABELS,
            PREPROCESSING,
            WarmupReport(5, 7, 10, True, GoldenCount(32, 32), self._accepted(version)),
            acceptance=self._planned_set(version),
        )

    def _accepted(self, version: int) -> AcceptedReport | None:
        return AcceptedReport(self.accepted[version], 48, 50) if version in self.accepted else None

    def _planned_set(self, version: int) -> Acceptance | None:
        return next(
            (one.acceptance for one in (self.plan.releases if self.plan else ()) if one.version == version), None
        )

    def _load(self, version: int, digest: str, behaviour: Behaviour) -> None:
        if behaviour.fails == "TritonDied":
            self.die()
        if behaviour.fails and behaviour.fails != "GoldenMismatch":
            self.failed[digest] = behaviour.fails
            return
        self.loaded[version] = digest

    def _prove(self, version: int, behaviour: Behaviour) -> None:
        if behaviour.fails == "GoldenMismatch":
            self.failed[self.loaded[version]] = "GoldenMismatch"
            self.drop(version)
        elif behaviour.refused_by and behaviour.refused_by == self.sets.get(version):
            self.failed[self.loaded[version]] = "AcceptanceFailed"
            self.drop(version)
        else:
            self.warm.add(version)
            if version in self.sets:
                self.accepted[version] = self.sets[version]
