"""The first request after /ready against the warm median, over whole starts of Triton, agent and API."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, rmtree
from statistics import median

import httpx

from ci.bench.bundles import extract_model
from ci.bench.results import Check, Section, Table
from ci.bench.servers import Reference, Server, ours, replica, serving
from ci.bench.stand import Stand
from ci.load.images import BOUNDARY, multipart
from ci.stack.documents import build_routes
from ci.stack.folders import ROOT
from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from ci.stack.say import say

STARTS = 10
WARM_REQUESTS = 50
AT_MOST = 1.5
TRITON_ADDRESS = "127.0.0.22"


@dataclass(frozen=True)
class Start:
    first_ms: float
    warm_ms: float


class BareTriton(Process):
    """Triton with the model loaded at its start and never asked: no agent, no warm-up."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.url, repository = f"http://{TRITON_ADDRESS}:8000", folder / "repository"
        version = repository / "resnet_medical" / "1"
        version.mkdir(parents=True, exist_ok=True)
        copyfile(model, version / "model.onnx")
        config = (ROOT / "model_repository" / "resnet_medical" / "config.pbtxt").read_text()
        (version.parent / "config.pbtxt").write_text(config.replace("KIND_GPU", "KIND_CPU"))
        addresses = [f"--{door}-address={TRITON_ADDRESS}" for door in ("http", "grpc", "metrics")]
        super().__init__(
            "triton", [TRITON_COMMAND, f"--model-repository={repository}", *addresses], {}, folder / "triton.log"
        )


def measure(stand: Stand) -> Section:
    warmed = starts(stand, "with the agent's warm-up", warmed_up)
    bare = starts(stand, "without it", bare_triton)
    plain = starts(stand, "the reference, without it", bare_reference)
    rows = [
        row("medinfer, the agent warmed Triton", warmed),
        row("medinfer, Triton alone", bare),
        row("reference, Triton alone", plain),
    ]
    return Section(
        title="First request",
        text=f"The first request after /ready against the median of the {WARM_REQUESTS} that follow it, medians of "
        f"{stand.count(STARTS)} starts of Triton and API processes, the tiny model.",
        tables=[Table(("start", "first ms", "warm median ms", "ratio", "slowest first ms"), rows)],
        checks=[Check("first request / warm median, after the agent's warm-up", ratio(warmed), at_most=AT_MOST)],
    )


def ratio(some: list[Start]) -> float:
    return median(start.first_ms / start.warm_ms for start in some)


def row(name: str, some: list[Start]) -> tuple[str, ...]:
    first, warm = median(start.first_ms for start in some), median(start.warm_ms for start in some)
    return name, f"{first:.1f}", f"{warm:.1f}", f"{ratio(some):.2f}", f"{max(start.first_ms for start in some):.1f}"


def starts(stand: Stand, name: str, started: Callable[[Stand], AbstractContextManager[Server]]) -> list[Start]:
    some = []
    for _ in range(stand.count(STARTS)):
        with started(stand) as server:
            some.append(time_requests(server.url, stand.image))
        say(f"  {name}: first {some[-1].first_ms:.1f} ms, then {some[-1].warm_ms:.1f} ms")
    return some


@contextmanager
def warmed_up(stand: Stand) -> Iterator[Server]:
    folder, bundle = stand.folder / "first", stand.tiny[0]
    rmtree(folder, ignore_errors=True)
    with replica(bundle, folder, TRITON_ADDRESS) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        with serving(ours(routes, folder), stand.image, warm_requests=0) as api:
            yield api


@contextmanager
def bare_triton(stand: Stand) -> Iterator[Server]:
    folder, bundle = stand.folder / "first", stand.tiny[0]
    with loaded_triton(stand) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        with serving(ours(routes, folder), stand.image, warm_requests=0) as api:
            yield api


@contextmanager
def bare_reference(stand: Stand) -> Iterator[Server]:
    with loaded_triton(stand) as triton, serving(Reference(triton.url, triton.log.parent), stand.image, 0) as reference:
        yield reference


@contextmanager
def loaded_triton(stand: Stand) -> Iterator[BareTriton]:
    folder = stand.folder / "first"
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with BareTriton(extract_model(stand.tiny[0], folder), folder) as triton:
        triton.wait_until_ready(f"{triton.url}/v2/models/resnet_medical/ready", 60)
        yield triton


def time_requests(url: str, image: bytes) -> Start:
    body, headers = multipart(image), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    with httpx.Client(base_url=url, timeout=30) as client:
        client.get("/health")  # the client's own first connection is not what is measured

        def request_ms() -> float:
            started = time.perf_counter()
            client.post("/predict", content=body, headers=headers).raise_for_status()
            return (time.perf_counter() - started) * 1000

        first_ms = request_ms()
        return Start(first_ms, median(request_ms() for _ in range(WARM_REQUESTS)))
