"""Parts of a stack die at random, several at a time."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self

from ci.load.load import Answer
from ci.stack.api import Api
from tests.harness.rollout import faults
from tests.harness.rollout.rollouts import RolloutStack
from tests.harness.rollout.service import Service

LONGEST_AWAY_SECONDS = 20.0
THREADS = 16
Names = frozenset[str]
Span = tuple[float, float]


@dataclass(frozen=True)
class Fault:
    """`takes`: what does not serve meanwhile. `do` blocks until it does again."""

    name: str
    takes: Names
    do: Callable[[], object]


@dataclass(frozen=True)
class Outage:
    """Of an API container that was killed, in ms since 1970: from the kill until nobody is sent there any more."""

    killed_ms: float
    over_ms: float

    def excuses(self, answer: Answer) -> bool:
        """It was in flight there, or was sent before the cluster knew."""
        was_open = answer.sent_ms + answer.latency_ms >= self.killed_ms and answer.sent_ms <= self.over_ms
        return answer.failure.startswith("no answer") and was_open


class Chaos:
    """Nothing is done that must fail requests in any cluster: the last replica and the last API pod are left alone.

    `done`: what was done, with the second since the first. `outages`: of API containers.
    """

    def __init__(self, stack: RolloutStack, service: Service, dice: random.Random) -> None:
        self._stack, self._service, self._dice = stack, service, dice
        self.done: list[str] = []
        self.outages: list[Outage] = []
        self._busy: set[str] = set()
        self._tasks: list[Future[None]] = []
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """The threads stay until it is left: a process gets SIGTERM when the thread that started it ends."""
        self._pool = ThreadPoolExecutor(THREADS)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def settle(self) -> None:
        """Returns when every part is back; raises what went wrong on the way."""
        for task in self._tasks:
            task.result()

    def strike(self) -> None:
        """One fault at random, of those that may be done now. Returns at once."""
        possible = self._possible()
        if not possible:
            return
        fault = self._dice.choice(possible)
        seconds = time.monotonic() - self._began
        self.done.append(f"{seconds:.0f} s: {fault.name} {' '.join(sorted(fault.takes))}")
        print(f"chaos: {datetime.now(UTC):%H:%M:%S} {self.done[-1]}", flush=True)
        self._busy |= fault.takes
        self._tasks.append(self._pool.submit(self._do, fault))

    def _do(self, fault: Fault) -> None:
        try:
            fault.do()
        finally:
            self._busy -= fault.takes

    def _possible(self) -> list[Fault]:
        """In an order that is the same each time."""
        return [*self._on_tritons(), *self._on_agents(), *self._on_apis(), *self._on_operators()]

    def _on_tritons(self) -> Iterator[Fault]:
        stack = self._stack
        for name, pod in stack.tritons.items():
            if self._may_go(frozenset(stack.tritons)):
                one = frozenset({name})
                yield Fault("kill Triton", one, partial(faults.end_triton, stack, pod, signal.SIGKILL))
                yield Fault("stop Triton", one, partial(faults.end_triton, stack, pod, signal.SIGTERM))
                yield Fault("delete Triton pod", one, partial(faults.delete_triton, stack, pod))
                yield Fault("force Triton pod", one, partial(faults.force_triton, stack, pod))

    def _on_agents(self) -> Iterator[Fault]:
        stack, names = self._stack, frozenset(self._stack.tritons)
        for name, pod in stack.tritons.items():
            if self._may_go(names):
                yield Fault("kill agent", frozenset({name}), partial(faults.kill_agents, stack, [pod]))
        if self._may_go(names):
            yield Fault("kill all agents", names, partial(faults.kill_agents, stack, list(stack.tritons.values())))

    def _on_apis(self) -> Iterator[Fault]:
        stack = self._stack
        there = frozenset(name for name in stack.apis if stack.kubelet.is_kept(name))
        for name, api in list(stack.apis.items()):
            if name in there and self._may_go(there):
                one = frozenset({name})
                yield Fault("kill API", one, partial(self._fail, faults.kill_api, api))
                yield Fault("force API pod", one, partial(self._fail, faults.force_api, api))
                yield Fault("delete API pod", one, partial(faults.delete_api, stack, api))

    def _on_operators(self) -> Iterator[Fault]:
        stack = self._stack
        for one in stack.operators:
            if one.name not in self._busy:
                for what, number in (("kill operator", signal.SIGKILL), ("delete operator", signal.SIGTERM)):
                    away = self._dice.uniform(0, LONGEST_AWAY_SECONDS)
                    yield Fault(
                        f"{what} for {away:.0f} s",
                        frozenset({one.name}),
                        partial(faults.end_operator, stack, one, number, away),
                    )

    def _may_go(self, kind: Names) -> bool:
        """All of a kind serve, so that one of them may be taken."""
        return not kind & self._busy and all(self._stack.kubelet.is_endpoint(one) for one in kind)

    def _fail(self, end: Callable[[RolloutStack, Service, Api], Span], api: Api) -> None:
        self.outages.append(Outage(*end(self._stack, self._service, api)))
