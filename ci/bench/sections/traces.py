"""What traces cost: CPU per request of an API that traces none, one in a hundred, and every request."""

from contextlib import ExitStack

from ci.bench import bursts
from ci.bench.bursts import Burst
from ci.bench.results import Section, Table
from ci.bench.stand import Stand
from ci.stack.jaeger import Jaeger

JAEGER = "127.0.0.38"
OFF = "off"
RATIOS = {"none sampled": "0", "1 %": "0.01", "all": "1"}
AT_MOST = {"none sampled": 1.02, "1 %": 1.02, "all": 1.15}
USERS = 10


def measure(stand: Stand) -> Section:
    measured = run_all(stand)
    rows, checks = bursts.compare(measured, OFF, AT_MOST, "traces")
    return Section(
        title="Traces",
        text=f"CPU time of one gunicorn worker and its master per request, with {USERS} k6 users, as above. The spans "
        "go to a Jaeger, whose CPU does not count. None sampled: what is not kept costs. Triton sends no spans.",
        tables=[Table(("traced", "CPU ms per request", "ratio to off"), rows)],
        checks=checks,
    )


def run_all(stand: Stand) -> dict[str, list[Burst]]:
    """The bursts of each API, one for each round."""
    with ExitStack() as running:
        jaeger = running.enter_context(Jaeger(stand.folder / "jaeger", JAEGER))
        settings = {"TRACING_ENDPOINT": jaeger.endpoint, "TRACING_MAX_PER_SECOND": "100000"}
        off: dict[str, str] = {}
        environments = {OFF: off} | {name: settings | {"TRACING_RATIO": ratio} for name, ratio in RATIOS.items()}
        return bursts.run_beside(stand, environments, USERS)
