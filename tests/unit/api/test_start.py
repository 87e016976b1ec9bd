"""What a worker imports before it is ready: each import below was measured, and cost a start a tenth of its time."""

import subprocess
import sys

import pytest

LATER = {
    "fastapi_swagger": "with the first script of /docs",
    "joserfc": "only where tokens of an issuer are accepted",
    "kubernetes": "only where a ConfigMap is watched",
    "opentelemetry.proto": "only where traces are sent",
    "inference_api.tracing.exporter": "the same",
    "prometheus_client": "at the first scrape",
    "pydicom": "in a thread, once the worker is ready",
}
NEVER = {
    "pydantic.v1": "FastAPI imports it for `response_model`",
    "pydantic_settings": "pydantic reads the settings alone",
    "tritonclient": "a test compares our request with its own",
}
MAKE = "from inference_api.main import create_app; from inference_api.settings import Settings; import sys"
PRINT = "create_app(Settings(routes_file='routes.json')); print(*sys.modules)"


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules of a process that made the application."""
    made = subprocess.run([sys.executable, "-c", f"{MAKE}; {PRINT}"], check=True, capture_output=True, text=True)
    return set(made.stdout.split())


def test_the_application_is_made(imported: set[str]) -> None:
    assert {"inference_api.main", "fastapi", "numpy", "PIL"} <= imported


@pytest.mark.parametrize("module", sorted(LATER | NEVER))
def test_a_start_does_not_pay_for(module: str, imported: set[str]) -> None:
    assert module not in imported, (LATER | NEVER)[module]
