"""The canary as it may answer one request: which version, on which replica, under which containment."""

from dataclasses import dataclass

from inference_api.routing.containment import Containment
from inference_api.routing.document import Version
from inference_api.routing.replicas import ReplicaState


@dataclass(frozen=True, slots=True)
class CanaryRoute:
    """Where the canary is asked. `containment` learns how the attempt ended, if it is `evidence` for a release."""

    version: Version
    state: ReplicaState
    containment: Containment
    evidence: bool = True
