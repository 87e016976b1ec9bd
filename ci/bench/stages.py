"""CPU time of each stage of one prediction, measured in this process around the API's own functions."""

import asyncio
import time
from collections.abc import Callable

import uvloop
from inference_api.imaging import images, tensors
from inference_api.prediction import answers
from inference_api.routing.document import Replica, Routes, parse
from inference_api.transport.agents import Agents
from inference_api.transport.proof_cache import ProofCache
from inference_api.transport.request_buffers import RequestBuffer
from inference_api.transport.resolver import Resolver
from inference_api.transport.triton import Logits, Triton

from ci.stack.replica import AGENT_PORT

REQUESTS = 500
MAX_PIXELS = 40_000_000


def measure(image: bytes, routes: bytes, requests: int) -> dict[str, float]:
    """Stage -> CPU milliseconds per request; routes: a routes document whose replica answers."""
    document = parse(routes)
    how, request = document.stable.version.preprocessing, RequestBuffer(1)
    picture = images.decode(image, MAX_PIXELS)
    pixels = images.pixels(picture, how)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        logits, ask_ms = runner.run(ask(document, request, requests))
    return {
        "decode": cpu_ms(lambda: images.decode(image, MAX_PIXELS), requests),
        "resize": cpu_ms(lambda: images.pixels(picture, how), requests),
        "fill": cpu_ms(lambda: tensors.fill(request.tensor[0], pixels, how), requests),
        "ask": ask_ms,
        "answer": cpu_ms(lambda: answer(document, logits), requests),
    }


def cpu_ms(stage: Callable[[], object], repeats: int) -> float:
    stage()
    began = time.process_time()
    for _ in range(repeats):
        stage()
    return (time.process_time() - began) * 1000 / repeats


async def ask(routes: Routes, request: RequestBuffer, repeats: int) -> tuple[Logits, float]:
    """The logits, and the CPU time of one exchange with Triton, its waiting left out."""
    names, replica = Resolver(), routes.replicas[0]
    triton = Triton(names, ProofCache(Agents(AGENT_PORT, names), time.monotonic))
    (logits,) = await infer(triton, replica, routes, request)
    began = time.process_time()
    for _ in range(repeats):
        await infer(triton, replica, routes, request)
    return logits, (time.process_time() - began) * 1000 / repeats


async def infer(triton: Triton, replica: Replica, routes: Routes, request: RequestBuffer) -> list[Logits]:
    until = asyncio.get_running_loop().time() + 10
    return await triton.infer(replica, routes.model, routes.stable.version, request, until)


def answer(routes: Routes, logits: Logits) -> bytes:
    given = answers.answer(routes.stable.version, logits)
    assert given is not None, "the model answered with numbers that are not finite"
    return answers.body([given], 0.01, batch=False)
