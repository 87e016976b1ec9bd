"""What a start imports, and when: the endpoints answer before the heavy libraries are there."""

import json
import subprocess
import sys

import pytest

HEAVY = {"aiobotocore", "aiohttp", "botocore", "grpc", "kubernetes", "numpy", "opentelemetry", "tritonclient"}
STORES = {"aiobotocore", "aiohttp", "botocore", "kubernetes", "opentelemetry"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        pytest.param("replica_agent.main", HEAVY, id="before-the-first-answer"),
        pytest.param("replica_agent.wiring", STORES, id="before-the-first-fetch"),
    ],
)
def test_what_is_not_needed_yet_is_not_imported(module: str, absent: set[str]) -> None:
    code = f"import {module}, json, sys; print(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert absent & set(json.loads(imported)) == set()
