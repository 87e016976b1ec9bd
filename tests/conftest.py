"""What every test gets."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.harness.own_network import enter_own_network

# No timed asserts: how long an example takes says how busy the machine is.
settings.register_profile("medinfer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("medinfer")


def pytest_configure() -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        enter_own_network()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """On a laptop a skipped test says what it misses; in CI, where everything can be installed, it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        reporter.write_line("skipped tests are failures in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
