"""An API over one real Triton, which send their spans to one real Jaeger."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ci.load.images import grey_jpeg
from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.jaeger import Jaeger, Span, triton_arguments
from ci.stack.replica import TRITON_COMMAND, Replica
from ci.stack.waiting import wait_until
from tests.harness.stack import wait_for_step

JAEGER, TRITON, API = "127.0.0.61", "127.0.0.62", "127.0.0.63:8002"
SENT_SECONDS = 20
STABLE, CANARY = 1, 2


class Traced:
    """What runs, and what a test does with it."""

    def __init__(self, api: Api, replica: Replica, jaeger: Jaeger, bundles: Path) -> None:
        self.api, self.replica, self.jaeger, self.bundles = api, replica, jaeger, bundles

    def route(self, step: str, *others: tuple[str, str, list[int]], weight: int = 0, shadow_percent: int = 0) -> None:
        """`others`: replicas for the canary, else the real one has it."""
        held = [STABLE] if others else [STABLE, CANARY]
        replicas = [(self.replica.name, self.replica.url, held), *others]
        stable, canary = (self.bundles / f"resnet_medical-{version}.tar" for version in (STABLE, CANARY))
        routes = build_routes(replicas, stable, canary, weight=weight, step=step, shadow_percent=shadow_percent)
        self.api.follow(routes)
        wait_for_step(self.api, step)

    def ask(self, images: int = 1, trace_id: str | None = None, *, sampled: bool = True) -> str:
        """The id of the request's trace."""
        id = trace_id or os.urandom(16).hex()
        headers = {"traceparent": f"00-{id}-{'b' * 16}-0{int(sampled)}", "X-Study-Id": "1.2.840.99"}
        path = "/predict" if images == 1 else "/predict/batch"
        files = [("image", ("doe.jpg", grey_jpeg(seed), "image/jpeg")) for seed in range(images)]
        answer = httpx.post(f"{self.api.url}{path}", files=files, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return id

    def spans(self, trace_id: str, least: int) -> list[Span]:
        """Those of the trace, once there are so many and no more come."""

        def complete() -> list[Span] | None:
            spans = self.jaeger.spans(trace_id)
            return spans if len(spans) >= least else None

        return wait_until(complete, f"trace {trace_id} has {least} spans", SENT_SECONDS)


@contextmanager
def traced_stack(bundles: Path, folder: Path, *, triton_traces: bool = True) -> Iterator[Traced]:
    """Runs it; `bundles`: the variants of the tiny model. Requests are traced when they say so.

    Without `triton_traces` Triton sends no spans, which is how the chart starts one before 25.05.
    """
    jaeger = Jaeger(folder / "jaeger", JAEGER)
    command = " ".join([TRITON_COMMAND, *(triton_arguments(jaeger.endpoint) if triton_traces else ())])
    replica = Replica("triton-0", TRITON, folder / "triton-0", environment={"TRITON_COMMAND": command})
    bundle = bundles / f"resnet_medical-{STABLE}.tar"
    replica.follow(build_plan(bundle, bundles / f"resnet_medical-{CANARY}.tar"))
    environment = {
        "TRACING_ENDPOINT": jaeger.endpoint,
        "TRACING_RATIO": "0",
        "TRACING_MAX_PER_SECOND": "1000",
        "LOG_REQUESTS": "true",
    }
    api = Api("api", API, folder, environment=environment)
    api.follow(build_routes([(replica.name, replica.url, [STABLE])], bundle))
    with jaeger, replica:
        replica.wait_until_warm(120)
        replica.wait_until_ready(f"{replica.agent_url}/versions/{CANARY}", 120)
        with api:
            api.wait_until_serving()
            yield Traced(api, replica, jaeger, bundles)
