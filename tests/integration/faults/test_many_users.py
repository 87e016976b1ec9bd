"""More users than the machine can serve at once, and more than the API admits."""

from pathlib import Path

import httpx
import psutil
import pytest

from ci.load.k6 import run_closed
from ci.stack.api import Api
from tests.harness.stack import Stack

pytestmark = pytest.mark.integration

BOUND = 8
USERS = 100
FLAT_BYTES = 30 * 2**20


def test_a_hundred_users_and_no_failed_request(apis: list[Api], images: list[bytes], tmp_path: Path) -> None:
    result = run_closed([api.url for api in apis], images, tmp_path / "k6", users=USERS, seconds=15)
    print(result)
    assert result.requests > 1000
    assert result.failed == 0


def test_overload_is_refused_with_a_time_to_return_memory_is_flat_and_recovery_is_at_once(
    stack: Stack, images: list[bytes], tmp_path: Path
) -> None:
    small = Api("small", "127.0.0.45:8002", tmp_path, environment={"MAX_IN_FLIGHT": str(BOUND)})
    small.follow(stack.routes())
    with small:
        small.wait_until_serving()
        run_closed([small.url], images, tmp_path / "k6", users=USERS, seconds=5)
        before = resident_bytes(small)
        result = run_closed([small.url], images, tmp_path / "k6", users=USERS, seconds=8)
        after = resident_bytes(small)
        print(result, f"resident: {before / 2**20:.0f} MiB before, {after / 2**20:.0f} MiB after")
        answers = [httpx.post(f"{small.url}/predict", files={"image": image}, timeout=10) for image in images]
    assert result.shed > 100, "the bound was not reached"
    assert result.failed == result.shed, "every refusal is a 503 with Retry-After"
    assert result.requests - result.failed > BOUND, "what was admitted was served"
    assert after - before < FLAT_BYTES
    assert [answer.status_code for answer in answers] == [200] * len(images)


def resident_bytes(api: Api) -> int:
    master = psutil.Process(api.pid)
    return sum(process.memory_info().rss for process in (master, *master.children(recursive=True)))
