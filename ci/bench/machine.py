"""The machine, without what would identify it: cores, kind of processor, memory, versions of what was measured."""

import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from ci.bench.packages import locked
from ci.bench.servers import BENTOML_PROJECT


def describe() -> str:
    [bentoml] = locked(BENTOML_PROJECT)["bentoml"]
    versions = {name: version(name) for name in ("fastapi", "litserve", "onnxruntime", "pillow", "tritonclient")}
    parts = ", ".join(f"{name} {number}" for name, number in sorted({**versions, "bentoml": bentoml}.items()))
    return (
        f"{processor()}, {memory_gib():.0f} GiB, no GPU, Python {platform.python_version()}, {parts}. "
        "k6, Triton and the servers share these cores."
    )


def processor() -> str:
    names = [line.split(":")[1].strip() for line in cpu_lines() if line.startswith("model name")]
    return f"{psutil.cpu_count()} cores ({names[0] if names else platform.machine()})"


def memory_gib() -> float:
    return psutil.virtual_memory().total / 2**30


def cpu_lines() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()
