"""Shadow copies are compared and counted; they never reach a client, nor take its place."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from inference_api import problems
from inference_api.prediction.agreement import count
from inference_api.prediction.answers import Answer
from inference_api.prediction.shadow import QUEUE_SIZE, Shadow
from inference_api.problems import Full, Overloaded
from inference_api.routing.contract import FIRST
from inference_api.routing.counters import MAX_PAIRS, empty_shadow
from inference_api.routing.document import Routes, parse
from inference_api.routing.traffic import Traffic

from tests.harness.routes import document
from tests.unit.api.prediction.fake_triton import FakeTask, Scene

ROUTES = parse(
    json.dumps(
        document(stable={"version": 1, "weight": 100}, canary={"version": 2, "weight": 0}, shadow={"percent": 100})
    ).encode()
)


def answer(class_index: int, labels: tuple[str, ...] = ROUTES.stable.version.labels) -> Answer:
    version = ROUTES.stable.version
    probabilities = tuple(float(index == class_index) for index in range(4))
    return Answer(
        type(version)(version.number, version.digest, labels, version.preprocessing), probabilities, class_index
    )


class Task(FakeTask):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.closed.set()


class Copies:
    """A shadow over a fake Triton whose canary always says Meningioma."""

    def __init__(self, routes: Routes = ROUTES) -> None:
        self.scene = Scene(routes)
        self.traffic = Traffic(max_in_flight=8)
        self.traffic.apply(routes)
        self.traffic.replicas.update(routes.replicas)
        self.shadow = Shadow(self.traffic, self.scene.dispatcher, 5)
        self.counts = self.traffic.shadow

    async def take(self, *stable: Answer, task: Task | None = None) -> None:
        """Takes one copy of an answer each, and sees them to their end."""
        tasks = [task or Task() for _ in stable]
        assert all(self.shadow.take(task, ROUTES, [said]) for task, said in zip(tasks, stable, strict=True))
        await self.settle(tasks)

    async def settle(self, tasks: list[Task]) -> None:
        consumer = asyncio.create_task(self.shadow.run())
        await asyncio.gather(*(task.closed.wait() for task in tasks))
        consumer.cancel()


async def test_a_copy_is_compared_by_class() -> None:
    copies = Copies()
    await copies.take(answer(1), answer(3))
    assert (copies.counts["samples"], copies.counts["agreed"]) == (2, 1)
    assert [copies.counts["matrix"][1][1], copies.counts["matrix"][3][1]] == [1, 1]


async def test_a_copy_is_in_flight_until_it_is_done() -> None:
    """A version is not dropped while a copy may still reach it."""
    copies, task = Copies(), Task()
    copies.shadow.take(task, ROUTES, [answer(1)])
    assert copies.traffic.snapshot()["inFlight"] == {"1": 1, "2": 1}
    await copies.settle([task])
    assert copies.traffic.snapshot()["inFlight"] == {}


@pytest.mark.parametrize(
    ("behaviour", "counted"),
    [("fail", "failed"), ("hang", "failed"), ("nan", "failed"), ("break", "dropped"), ("refuse", "dropped")],
)
async def test_a_copy_without_a_good_answer_is_counted_and_nothing_else(behaviour: str, counted: str) -> None:
    copies = Copies()
    copies.scene.triton.behave("a", 2, behaviour)
    await copies.take(answer(1))
    assert copies.counts == empty_shadow() | {counted: 1}


async def test_an_image_that_the_canary_does_not_read_is_a_failed_copy() -> None:
    copies = Copies()
    await copies.take(answer(1), task=Task(problems.needs_intensity(), unreadable_by=(2,)))
    assert copies.counts["failed"] == 1


async def test_a_copy_for_which_this_process_has_no_memory_says_nothing_about_the_canary() -> None:
    copies = Copies()
    await copies.take(answer(1), task=Task(Overloaded(Full.MEMORY), unreadable_by=(2,)))
    assert copies.counts == empty_shadow() | {"dropped": 1}


async def test_without_shadow_nothing_is_taken() -> None:
    routes = parse(json.dumps(document()).encode())
    copies = Copies(routes)
    assert not copies.shadow.take(Task(), routes, [answer(1)])
    assert copies.counts["dropped"] == 0


async def test_a_full_queue_drops_and_counts() -> None:
    copies = Copies()
    taken = [copies.shadow.take(Task(), ROUTES, [answer(1)]) for _ in range(QUEUE_SIZE + 3)]
    assert taken == [True] * QUEUE_SIZE + [False] * 3
    assert copies.counts["dropped"] == 3


async def test_a_process_half_busy_drops_and_counts() -> None:
    copies, task = Copies(), Task()
    assert copies.shadow.take(task, ROUTES, [answer(1)])
    assert copies.traffic.take_places(4)
    assert not copies.shadow.take(Task(), ROUTES, [answer(1)])
    await copies.settle([task])
    assert (copies.counts["dropped"], copies.counts["samples"]) == (2, 0)


async def test_a_copy_for_other_traffic_rules_is_dropped() -> None:
    """The canary it was meant for may be gone."""
    copies, task = Copies(), Task()
    assert copies.shadow.take(task, ROUTES, [answer(1)])
    copies.traffic.apply(parse(json.dumps(document(step="step-2")).encode()))
    await copies.settle([task])
    assert (copies.counts["dropped"], copies.scene.asked) == (1, [])


def test_classes_are_compared_by_name_whatever_their_order() -> None:
    counts = empty_shadow()
    labels = ROUTES.stable.version.labels
    turned = (labels[3], *labels[:3])
    count(counts, answer(0), answer(1, turned))
    assert (counts["agreed"], counts["matrix"][0][0]) == (1, 1)


def test_a_class_that_stable_does_not_know_disagrees() -> None:
    counts = empty_shadow()
    count(counts, answer(0), answer(0, ("New", "b", "c", "d")))
    assert (counts["samples"], counts["agreed"], counts["matrix"]) == (1, 0, [])
    assert counts["tally"] == {"said": [1], "same": [0], "pairs": {"0,-1": 1}, "otherPairs": 0}


def several(*probabilities: float, labels: tuple[str, ...] = ("a", "b", "c")) -> Answer:
    """Of a version whose thresholds are all 0.5."""
    contract = replace(FIRST, activation="sigmoid", thresholds=(0.5,) * len(labels))
    version = replace(ROUTES.stable.version, labels=labels, contract=contract)
    return Answer(version, probabilities, probabilities.index(max(probabilities)))


def test_findings_are_compared_one_by_one() -> None:
    counts = empty_shadow()
    count(counts, several(0.9, 0.6, 0.1), several(0.6, 0.4, 0.2))
    count(counts, several(0.1, 0.1, 0.1), several(0.2, 0.3, 0.4))
    assert (counts["samples"], counts["agreed"]) == (2, 1)
    assert counts["tally"] == {
        "said": [1, 1, 1, 1, 0, 2],
        "same": [1, 1, 0, 1, 0, 2],
        "pairs": {"2,3": 1},
        "otherPairs": 0,
    }


@pytest.mark.parametrize(
    ("said", "copied", "agreed", "pairs"),
    [
        pytest.param(answer(0), several(0.9, 0.6, labels=("Glioma", "x")), 1, {}, id="a-class-and-the-first-finding"),
        pytest.param(several(0.9, 0.6, 0.1), answer(0, ("a", "b", "c", "d")), 0, {"2,3": 1}, id="findings-and-a-class"),
        pytest.param(
            several(0.9, 0.1, labels=("a", "b")), several(0.9, labels=("a",)), 1, {}, id="a-finding-that-neither-names"
        ),
        pytest.param(
            several(0.9, 0.9, labels=("a", "b")),
            several(0.9, labels=("a",)),
            0,
            {"2,3": 1},
            id="one-that-the-canary-lacks",
        ),
    ],
)
def test_versions_with_other_contracts_are_compared_by_label(
    said: Answer, copied: Answer, agreed: int, pairs: dict[str, int]
) -> None:
    counts = empty_shadow()
    count(counts, said, copied)
    assert (counts["agreed"], counts["tally"]["pairs"]) == (agreed, pairs)


def test_disagreement_over_a_thousand_classes_is_bounded() -> None:
    counts, labels = empty_shadow(), tuple(f"class {index}" for index in range(1000))
    version = replace(ROUTES.stable.version, labels=labels)
    for index in range(1000):
        count(counts, Answer(version, (), index), Answer(version, (), (index + index % 2) % 1000))
    tally = counts["tally"]
    assert (counts["agreed"], counts["matrix"], len(tally["pairs"])) == (500, [], MAX_PAIRS)
    assert sum(tally["pairs"].values()) + tally["otherPairs"] == 500 == sum(tally["said"]) - sum(tally["same"])
