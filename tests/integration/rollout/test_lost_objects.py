"""Objects that are deleted, emptied or restored from an old copy: what serves goes on, what was lost comes back."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ci.load.load import Load
from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.documents import Json
from ci.stack.waiting import wait_until
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import NAME, RolloutStack
from tests.integration.rollout.canary_at_half import (
    HALFWAY,
    QUICK,
    SHORT,
    bring_halfway,
    loads,
    wait_until_planned,
)

pytestmark = pytest.mark.integration

REWRITTEN_SECONDS = 90  # nobody watches the two: the operator sees it when it looks again


@pytest.fixture
def stack(namespace: Namespace, bundles: Path, tmp_path: Path) -> Iterator[RolloutStack]:
    stack = RolloutStack(namespace, bundles, tmp_path, subnet=71)
    try:
        yield stack
    finally:
        stack.stop()


def test_the_rollout_deleted_and_its_status_emptied(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        bring_halfway(stack, load, 2)
        before = loads(stack)
        stack.namespace.delete_rollout(NAME)
        load.wait_until_answered(100)
        assert routed_versions(stack) == (1, 2), "nobody interrupts what serves"
        stack.apply(2, steps=HALFWAY, analysis=QUICK)
        stack.wait_for_weight(50)
        load.wait_until_answered(60)
        stack.namespace.set_rollout_status(NAME, None)
        wait_until(lambda: adoptions(stack) == 2, "v1 is adopted again")
        stack.wait_for_weight(50)
        load.wait_until_answered(60)
        assert loads(stack) == before, "nothing is loaded again"

        stack.apply(2, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(2)
        load.mark("promoted")
        load.wait_until_answered(60)
        for lose in (lambda: stack.namespace.set_rollout_status(NAME, None), lambda: recreate(stack, load)):
            known = adoptions(stack)
            lose()
            wait_until_adopted(stack, known)
            stack.wait_for_ready(2)
            load.wait_until_answered(60)
        assert loads(stack) == before
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("promoted").by_version().keys() == {2}
    adopted = [event for event in stack.events() if event.startswith("Adopted")]
    assert [event.split()[1] for event in adopted] == ["v1", "v1", "v2", "v2"]


def test_the_rollout_deleted_for_another_version_and_its_status_restored(
    stack: RolloutStack, images: list[bytes]
) -> None:
    stack.start()
    statuses = [stack.status()]
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        bring_halfway(stack, load, 2)
        statuses.append(stack.status())
        stack.namespace.delete_rollout(NAME)
        load.wait_until_answered(60)
        stack.apply(1, analysis=QUICK)
        stack.wait_for_ready(1)
        load.mark("back")
        wait_until_planned(stack, {"stable": 1})
        load.wait_until_answered(60)
        load.mark("again")
        stack.apply(2, steps=SHORT, analysis=QUICK)
        stack.wait_for_ready(2)
        load.mark("promoted")
        before = loads(stack)
        for old in statuses:
            known = adoptions(stack)
            stack.namespace.set_rollout_status(NAME, old)
            wait_until_adopted(stack, known)
            stack.wait_for_ready(2)
            load.wait_until_answered(60)
        wait_until_planned(stack, {"stable": 2, "previous": 1})
        assert loads(stack) == before
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("back", "again").by_version().keys() == {1}
    assert result.between("promoted").by_version().keys() == {2}


def test_plan_and_routes_deleted_emptied_and_old(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    oldest = {name: (stack.namespace.config_map(name) or {})["data"] for name in (PLAN, ROUTES)}
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        bring_halfway(stack, load, 2)
        before = loads(stack)
        lose_each(stack, load, oldest, routed=(1, 2), roles={"stable": 1, "canary": 2})
        stack.apply(2, steps=SHORT, analysis=QUICK, strategy={"keepPreviousSeconds": 1})
        stack.wait_for_ready(2)
        wait_until(lambda: all(stack.loaded(pod) == {2} for pod in stack.tritons.values()), "version 1 is unloaded", 90)
        load.mark("promoted")
        lose_each(stack, load, oldest, routed=(2,), roles={"stable": 2})
        stack.wait_for_ready(2)
        assert loads(stack) == before, "nothing is loaded again"
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("promoted").by_version().keys() == {2}


def lose_each(
    stack: RolloutStack, load: Load, oldest: dict[str, dict[str, str]], routed: tuple[int, ...], roles: Json
) -> None:
    """Each of the two documents, in each of the ways; then both at once, as after a restore of the cluster."""
    namespace = stack.namespace
    ways: dict[str, Callable[[str], object]] = {
        "deleted": namespace.delete_config_map,
        "emptied": lambda name: namespace.set_config_map(name, {}),
        "old": lambda name: namespace.set_config_map(name, oldest[name]),
    }
    for names in ((PLAN,), (ROUTES,), (PLAN, ROUTES)):
        for way, lose in ways.items():
            known = revisions(stack)
            for name in names:
                lose(name)
            what = f"{' and '.join(names)}, {way}, is written again"
            wait_until(partial(are_newer, stack, names, known), what, REWRITTEN_SECONDS)
            wait_until(lambda: routed_versions(stack) == routed, f"{routed} are routed after {names} was {way}")
            wait_until_planned(stack, roles)
            load.wait_until_answered(40)


def recreate(stack: RolloutStack, load: Load) -> None:
    stack.namespace.delete_rollout(NAME)
    load.wait_until_answered(60)
    stack.apply(2, steps=SHORT, analysis=QUICK)


def wait_until_adopted(stack: RolloutStack, known: int) -> None:
    """Once more than so many times."""
    wait_until(lambda: adoptions(stack) > known, "v2 is adopted")


def adoptions(stack: RolloutStack) -> int:
    return stack.namespace.reasons(NAME).count("Adopted")


def revisions(stack: RolloutStack) -> dict[str, int]:
    """By ConfigMap; 0 without a document."""
    documents = {PLAN: stack.namespace.plan(), ROUTES: stack.namespace.routes()}
    return {name: int((document or {}).get("revision", 0)) for name, document in documents.items()}


def are_newer(stack: RolloutStack, names: tuple[str, ...], known: dict[str, int]) -> bool:
    """Each of these documents has a higher revision than the known one."""
    return all(revisions(stack)[name] > known[name] for name in names)


def routed_versions(stack: RolloutStack) -> tuple[int, ...]:
    """Stable's and, when it has weight, the canary's."""
    routes = stack.namespace.routes() or {}
    shares = [share for share in (routes.get("stable"), routes.get("canary")) if share and share["weight"]]
    return tuple(share["version"] for share in shares)
