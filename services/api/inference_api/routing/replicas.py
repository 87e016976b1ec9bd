"""The table of replicas in this process: who is busy, who is out, and who is asked next. No I/O here.

A transport failure ejects a replica; a version's failure only marks that version there. Both end when the replica's
agent says that the version is warm. Never more than half of the replicas are out, and never stable's last.
"""

from collections.abc import Container, Iterable, Iterator

from inference_api.routing.document import Replica


class ReplicaState:
    """One replica as this process sees it; `out` are the versions not to ask there."""

    __slots__ = ("ejected", "in_flight", "out", "replica")

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.in_flight = 0
        self.out: set[int] = set()
        self.ejected = False

    def holds(self, version: int) -> bool:
        return version in self.replica.versions

    def is_healthy(self, version: int) -> bool:
        return version in self.replica.versions and version not in self.out


class Replicas:
    """All replicas of the routes in force."""

    def __init__(self) -> None:
        self._states: list[ReplicaState] = []
        self._turn = 0

    def __iter__(self) -> Iterator[ReplicaState]:
        return iter(self._states)

    def follow(self, replicas: Iterable[Replica]) -> None:
        """Takes over new routes; a replica that stays at its address keeps what is known of it."""
        known = {(state.replica.name, state.replica.host, state.replica.port): state for state in self._states}
        self._states = [
            self._updated(known.get((replica.name, replica.host, replica.port)), replica) for replica in replicas
        ]

    def choose(self, version: int, tried: Container[str] = ()) -> ReplicaState | None:
        """The replica with the fewest requests in flight among those that hold the version and were not tried.

        One that is out is the last resort: better to ask it than to answer that nobody is left.
        """
        self._turn += 1
        return self._least_busy(version, tried, True) or self._least_busy(version, tried, False)

    def has_untried(self, version: int, tried: Container[str]) -> bool:
        """Whether somebody else holds the version, were these to fail."""
        return any(state.holds(version) and state.replica.name not in tried for state in self._states)

    def first(self, version: int) -> ReplicaState | None:
        """The first healthy holder by name: every process names the same one."""
        healthy = [state for state in self._states if state.is_healthy(version)]
        return min(healthy, key=lambda state: state.replica.name, default=None)

    def healthy_count(self, version: int) -> int:
        return sum(state.is_healthy(version) for state in self._states)

    def holder_count(self, version: int) -> int:
        return sum(state.holds(version) for state in self._states)

    def eject_replica(self, state: ReplicaState, stable: int) -> bool:
        """Takes the whole replica out after a transport failure; False when it must stay in."""
        ejected = sum(other.ejected for other in self._states)
        if state.ejected or 2 * (ejected + 1) > len(self._states) or self._is_last(state, stable):
            return False
        state.ejected = True
        state.out = set(state.replica.versions)
        return True

    def eject_version(self, state: ReplicaState, version: int) -> bool:
        """Takes one version out there after it failed; False when it must stay in."""
        out = sum(version in other.out for other in self._states)
        if version in state.out or 2 * (out + 1) > self.holder_count(version) or self._is_last(state, version):
            return False
        state.out.add(version)
        return True

    def restore(self, state: ReplicaState, version: int) -> None:
        """The version is warm there, says its agent."""
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
        """Among equals the turn goes round, so that an idle table does not always name the first."""
        states = self._states
        best: ReplicaState | None = None
        for index in range(len(states)):
            state = states[(self._turn + index) % len(states)]
            if not (state.is_healthy(version) if healthy else state.holds(version)) or state.replica.name in tried:
                continue
            if best is None or state.in_flight < best.in_flight:
                best = state
        return best
