"""The replicas as this process sees them: which are busy, which are ejected, and which is asked next. No I/O here.

A transport failure ejects the replica with all its versions. A failure of a version ejects that version on that replica
only. Both end when the replica's agent says that the version is warm. At most half of the replicas are ejected, and
never the last one that serves stable.
"""

from collections.abc import Container, Iterable, Iterator

from inference_api.routing.document import Replica


class ReplicaState:
    """One replica. `in_flight` counts this process's requests to it, `images_in_flight` the images in them.

    `out` are the versions that are ejected there.
    """

    __slots__ = ("ejected", "images_in_flight", "in_flight", "out", "replica")

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.in_flight = 0
        self.images_in_flight = 0
        self.out: set[int] = set()
        self.ejected = False

    def holds(self, version: int) -> bool:
        """Whether the routes name this version as warm there."""
        return version in self.replica.versions

    def is_healthy(self, version: int) -> bool:
        """Whether the version is warm there and not ejected."""
        return version in self.replica.versions and version not in self.out


class Replicas:
    """All replicas of the routes in force. A `version` is always the number of one."""

    def __init__(self) -> None:
        self._states: list[ReplicaState] = []
        self._turn = 0

    def __iter__(self) -> Iterator[ReplicaState]:
        return iter(self._states)

    def update(self, replicas: Iterable[Replica]) -> None:
        """Takes the replicas of new routes. One with the same name and address keeps its state."""
        known = {(state.replica.name, state.replica.host, state.replica.port): state for state in self._states}
        self._states = [
            self._updated(known.get((replica.name, replica.host, replica.port)), replica) for replica in replicas
        ]

    def choose(self, version: int, tried: Container[str] = ()) -> ReplicaState | None:
        """The replica with the fewest requests in flight among those that hold the version and are not in `tried`.

        Where the version is ejected it is the last resort, which is better than no answer. None: no replica is left.
        """
        self._turn += 1
        return self._least_busy(version, tried, True) or self._least_busy(version, tried, False)

    def choose_spare(self, version: int, tried: Container[str]) -> ReplicaState | None:
        """One outside `tried` for which the routes do not name the version; its agent may know more than they do.

        The operator may not have seen yet that a replica is back, or not be there to see it.
        """
        spare = (state for state in self._states if not state.holds(version) and state.replica.name not in tried)
        return min(spare, key=lambda state: state.in_flight, default=None)

    def has_untried(self, version: int, tried: Container[str]) -> bool:
        """Whether a replica outside `tried` holds the version."""
        return any(state.holds(version) and state.replica.name not in tried for state in self._states)

    def first(self, version: int) -> ReplicaState | None:
        """The first healthy holder by name, which is the same in every process."""
        healthy = [state for state in self._states if state.is_healthy(version)]
        return min(healthy, key=lambda state: state.replica.name, default=None)

    def healthy_count(self, version: int) -> int:
        """On how many replicas the version is warm and not ejected."""
        return sum(state.is_healthy(version) for state in self._states)

    def holder_count(self, version: int) -> int:
        """On how many replicas the version is warm, ejected or not."""
        return sum(state.holds(version) for state in self._states)

    def eject_replica(self, state: ReplicaState, stable: int) -> bool:
        """Ejects the whole replica after a transport failure. False: it is out already, or must stay."""
        ejected, count = sum(other.ejected for other in self._states), sum(map(_holds_any, self._states))
        if state.ejected or not _holds_any(state) or 2 * (ejected + 1) > count or self._is_last(state, stable):
            return False
        state.ejected = True
        state.out = set(state.replica.versions)
        return True

    def eject_version(self, state: ReplicaState, version: int) -> bool:
        """Ejects one version there after it failed. False: it is out already, or must stay."""
        out = sum(version in other.out for other in self._states)
        if not state.is_healthy(version) or 2 * (out + 1) > self.holder_count(version) or self._is_last(state, version):
            return False
        state.out.add(version)
        return True

    def restore(self, state: ReplicaState, version: int) -> None:
        """Brings a version back after its agent said that it is warm there."""
        state.out.discard(version)
        state.ejected = False

    def _updated(self, state: ReplicaState | None, replica: Replica) -> ReplicaState:
        if state is None:
            return ReplicaState(replica)
        if state.ejected:
            state.out |= replica.versions
        state.out &= replica.versions
        state.ejected = state.ejected and bool(state.out)
        state.replica = replica
        return state

    def _is_last(self, state: ReplicaState, version: int) -> bool:
        return state.is_healthy(version) and self.healthy_count(version) == 1

    def _least_busy(self, version: int, tried: Container[str], healthy: bool) -> ReplicaState | None:
        """Equals take turns, so that an idle process does not always ask the first replica."""
        states = self._states
        best: ReplicaState | None = None
        for index in range(len(states)):
            state = states[(self._turn + index) % len(states)]
            if not (state.is_healthy(version) if healthy else state.holds(version)) or state.replica.name in tried:
                continue
            if best is None or state.in_flight < best.in_flight:
                best = state
        return best


def _holds_any(state: ReplicaState) -> bool:
    return bool(state.replica.versions)
