"""Agent and API follow ConfigMaps alike, and know nothing of each other: each test is of both."""

from importlib import import_module
from types import ModuleType

import pytest

PACKAGES = ("replica_agent", "inference_api.routing")


@pytest.fixture(params=PACKAGES)
def config_map(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"{request.param}.config_map")


@pytest.fixture(params=PACKAGES)
def api_server(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"{request.param}.kube_api")
