"""What it costs the agent to hash a version's files before Triton loads them."""

import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from statistics import median

from modelctl.bundle.archive import MEMBERS, digest_of
from modelctl.bundle.unpack import unpack
from replica_agent.file_hashes import hash_files
from tritonclient import http

from ci.bench.results import Check, Section, Table
from ci.bench.stand import Stand
from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from ci.stack.say import say
from ci.stack.waiting import wait_until

ADDRESS, MODEL = "127.0.0.23", "resnet_medical"
LOADS = 9
AT_MOST = 0.05


def measure(stand: Stand) -> Section:
    folder = stand.folder / "hashing"
    rmtree(folder, ignore_errors=True)
    version = folder / "repository" / MODEL / "1"
    version.parent.mkdir(parents=True)
    unpack(stand.resnet50[0], version)
    to_load, by_blake3, by_sha256 = times(stand, folder, version)
    rows = [row("load", to_load, to_load), row("BLAKE3", by_blake3, to_load), row("SHA-256", by_sha256, to_load)]
    return Section(
        title="Hashing before a load",
        text="The four files of the real ResNet50, hashed as the agent does, and loaded by a CPU Triton without an "
        f"agent; medians of {stand.count(LOADS)} rounds. BLAKE3: where this agent unpacked the files. SHA-256: where "
        "an earlier one did, and Triton started again since.",
        tables=[Table(("what", "ms", "share of a load"), rows)],
        checks=[Check("hash by BLAKE3 / load", by_blake3 / to_load, at_most=AT_MOST)],
    )


def row(name: str, seconds: float, to_load: float) -> tuple[str, str, str]:
    return name, f"{seconds * 1000:.0f}", f"{seconds / to_load:.3f}"


def times(stand: Stand, folder: Path, version: Path) -> tuple[float, float, float]:
    """Seconds of a load, of BLAKE3, of SHA-256; the three take turns."""
    config = (version / "config.pbtxt").read_text().replace("KIND_GPU", "KIND_CPU")
    (version.parent / "config.pbtxt").write_text(config)
    with triton(folder) as server, http.InferenceServerClient(f"{ADDRESS}:8000", network_timeout=60) as client:
        server.wait_until_ready(f"http://{ADDRESS}:8000/v2/health/live", 60)
        load(client)  # the first one loads the backend, too
        rounds = []
        for _ in range(stand.count(LOADS)):
            rounds.append((load(client), hash_blake3(version), hash_sha256(version)))
            say("  load {:.3f} s, BLAKE3 {:.3f} s, SHA-256 {:.3f} s".format(*rounds[-1]))
    to_load, by_blake3, by_sha256 = map(median, zip(*rounds, strict=True))
    return to_load, by_blake3, by_sha256


def triton(folder: Path) -> Process:
    addresses = [f"--{door}-address={ADDRESS}" for door in ("http", "grpc", "metrics")]
    command = [TRITON_COMMAND, f"--model-repository={folder / 'repository'}", "--model-control-mode=explicit"]
    return Process("triton", [*command, *addresses], {}, folder / "triton.log")


def load(client: http.InferenceServerClient) -> float:
    client.unload_model(MODEL)
    wait_until(lambda: not client.is_model_ready(MODEL), "the model is gone")
    return timed(lambda: client.load_model(MODEL))


def hash_blake3(version: Path) -> float:
    return timed(lambda: hash_files(version))


def hash_sha256(version: Path) -> float:
    return timed(lambda: digest_of({name: version / name for name in MEMBERS}))


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
