"""After a good release, a bad one and a replica's death, every query of every board and every recorded series has data.

Real parts and a real Prometheus. Series of GPUs, and of what only some installations configure, are recorded ones.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from inference_api.process.metrics import Metrics
from inference_api.routing.counters import Json

from ci.boards.answers import Window, ask
from ci.boards.board import ANNOTATIONS
from ci.boards.catalog import BOARDS, CHART
from ci.boards.draw import draw
from ci.stack.http import client
from ci.stack.prometheus import Prometheus, Target
from ci.stack.waiting import wait_until
from tests.harness.boards.exposition import Exposition
from tests.harness.rollout.rollouts import RolloutStack, kill
from tests.unit.boards.known import TRITON

pytestmark = pytest.mark.integration

RULES = sorted((CHART / "rules").glob("*.yaml"))
RECORDED = Path(__file__).parents[2] / "harness" / "boards" / "recorded"
NAMESPACE = {"namespace": "medinfer"}
PERMUTED = 3
TRITON_METRICS_PORT = 8002
# Of an API with clients, quotas and an issuer, which the scripted release has not.
CLIENTS: Json = {
    "withoutEvidence": {},
    "openConnections": 0,
    "inFlight": {},
    "ejected": [],
    "suspended": None,
    "access": {"requests": {"pacs": 3}, "rejected": None, "issuers": {"https://issuer": 9}},
    "quota": {"refused": {"pacs": 1}, "isDegraded": False},
    "totals": {"events": {"closed:no-first-byte": 1}},
}


def targets(stack: RolloutStack) -> Iterator[Target]:
    for name, api in stack.apis.items():
        yield Target(api.inner_url.removeprefix("http://"), NAMESPACE | {"pod": name})
    for name, triton in stack.tritons.items():
        labels = NAMESPACE | {"pod": name, "container": "triton"}
        yield Target(f"{triton.address}:{TRITON_METRICS_PORT}", labels)
        yield Target(triton.agent_url.removeprefix("http://"), labels)
    for operator in stack.operators:
        yield Target(operator.url.removeprefix("http://"), NAMESPACE | {"pod": operator.name})


def tell_the_story(stack: RolloutStack, images: list[bytes]) -> None:
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        load.wait_until_answered(700)
        stack.apply(2)
        stack.wait_for_ready(2)
        stack.apply(PERMUTED)
        stack.wait_for_phase("RolledBack")
        lost = stack.tritons["medinfer-triton-1"]
        kill(lost.triton)
        wait_until(lambda: any("ejected" in api.log.read_text() for api in stack.apis.values()), "it is ejected", 60)
        lost.triton.start()
        wait_until(lost.is_ready, "it is back", 120)
        load.wait_until_answered(900)
        result = load.finish(at_least=1000)
    assert result.failed == 0


def dead(url: str, window: Window) -> list[str]:
    """Queries of panels, annotations and rules without a finite sample."""
    exprs = {
        f"{board.name}: {panel.title}: {query.expr}": query.expr
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
    }
    exprs |= {f"annotation: {name}": expr for name, (expr, _, _) in ANNOTATIONS.items()}
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    exprs |= {rule["record"]: rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    return [name for name, expr in exprs.items() if not ask(url, expr, window)]


def test_no_panel_is_dead(stack: RolloutStack, images: list[bytes], tmp_path: Path) -> None:
    stack.start()
    texts = [(RECORDED / f"{name}.prom").read_text() for name in ("dcgm", "nv_gpu")]
    texts.append(Metrics(lambda: ({}, [CLIENTS])).text()[0].decode())
    began = time.time()
    with ExitStack() as everything:
        others = [everything.enter_context(Exposition("127.0.60.240", text)) for text in texts]
        recorded = [
            Target(other.address, NAMESPACE | {"pod": f"recorded-{number}"}) for number, other in enumerate(others)
        ]
        prometheus = Prometheus(tmp_path / "prometheus", "127.0.60.241", [*targets(stack), *recorded], RULES)
        everything.enter_context(prometheus)
        tell_the_story(stack, images)
        window = Window(began, time.time(), 1, rate_interval="10s")
        if folder := os.environ.get("MEDINFER_DRAW_BOARDS"):
            for board in BOARDS:
                draw(board, prometheus.url, window, Path(folder))
        assert dead(prometheus.url, window) == []
        assert metrics_of_triton(stack) >= TRITON
        no_dcgm = [panel for board in BOARDS if board.name == "gpu" for panel in board.panels]
        assert [
            panel.title for panel in no_dcgm if not of_triton_alone(prometheus.url, panel.queries[0].expr, window)
        ] == [
            "Tensor cores",
            "Temperature",
            "Newest XID error",
        ], "the rest is shown where there is no DCGM"


def metrics_of_triton(stack: RolloutStack) -> set[str]:
    address = stack.tritons["medinfer-triton-0"].address
    text = client.get(f"http://{address}:{TRITON_METRICS_PORT}/metrics").text
    return {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def of_triton_alone(url: str, expr: str, window: Window) -> bool:
    """Whether the pod that has no DCGM has data."""
    return bool(ask(url, expr.replace('namespace=~"$namespace"', 'pod="recorded-1"'), window))
