"""How late an API's event loop was while something else attacked it, by its own histograms."""

import math
from dataclasses import dataclass

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from ci.stack.api import Api
from tests.harness.hostile.connections import post_file
from tests.harness.hostile.dicoms import dicom_file

NAMES = ("lateness", "blocked")
LATE_SECONDS = 0.05

Histogram = dict[float, float]  # bound in seconds -> measurements that were at most so late


@dataclass(frozen=True)
class Lateness:
    """`lateness`: in all; `blocked`: without the time in which the machine had no CPU for the loop."""

    lateness: Histogram
    blocked: Histogram

    def __str__(self) -> str:
        return ", ".join(
            f"{name}: {counts[math.inf] - counts[LATE_SECONDS]:.0f} of {counts[math.inf]:.0f} above 50 ms, "
            f"none above {worst_seconds(counts):g} s"
            for name, counts in zip(NAMES, (self.lateness, self.blocked), strict=True)
        )


def start(api: Api) -> Lateness:
    """What was measured before the attack. Waits for pydicom's import, which takes the CPU after a worker's start."""
    post_file(api, dicom_file(np.zeros((8, 8), np.uint8)))
    return read(api)


def since(api: Api, before: Lateness) -> Lateness:
    """What was measured since `before`."""
    now = read(api)
    return Lateness(_subtract(now.lateness, before.lateness), _subtract(now.blocked, before.blocked))


def read(api: Api) -> Lateness:
    """Of its only worker, since that began."""
    text = httpx.get(f"{api.inner_url}/metrics", timeout=20).text
    return Lateness(*(_histogram(text, f"inference_api_event_loop_{name}_seconds") for name in NAMES))


def worst_seconds(counts: Histogram) -> float:
    """The bound that no measurement exceeds."""
    return min(bound for bound, count in counts.items() if count == counts[math.inf])


def _subtract(after: Histogram, before: Histogram) -> Histogram:
    return {bound: count - before[bound] for bound, count in after.items()}


def _histogram(text: str, name: str) -> Histogram:
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text)
        if family.name == name
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }
