"""Two API pods hold a client to its quota over a real Redis, which is killed, frozen, full and back under load."""

import contextlib
import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from inference_api.quota.budget import slice_images
from inference_api.quota.ledger import LedgerAway, RedisAddress, RedisLedger, Report, Settlement
from inference_api.transport.triton import MAX_BATCH_SIZE
from modelctl.keys import key as keys

from ci.load.answers import expected_answers
from ci.load.images import grey_jpeg
from ci.load.load import Load
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.redis import PROGRAM, Redis
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.programs import debian, find

ADDRESSES = ("127.0.0.55", "127.0.0.56")
REDIS_ADDRESS = "127.0.0.57"
PER_MINUTE = 60

pytestmark = pytest.mark.integration


class Study:
    """A client that sends batches as often as it can, to all pods in turn."""

    def __init__(self, apis: list[Api], key: str) -> None:
        self._urls, self._headers = [f"{api.url}/predict/batch" for api in apis], {"Authorization": f"Bearer {key}"}
        self.statuses: Counter[int] = Counter()
        self.refused: list[httpx.Response] = []
        self.answered: list[httpx.Response] = []
        self._ends, self._thread = threading.Event(), threading.Thread(target=self._run)

    def _run(self) -> None:
        files = [("image", grey_jpeg(number)) for number in range(MAX_BATCH_SIZE)]
        with httpx.Client(headers=self._headers, timeout=30) as client:
            for url in itertools.cycle(self._urls):
                if self._ends.wait(0.02):
                    return
                answer = client.post(url, files=files)
                self.statuses[answer.status_code] += 1
                (self.answered if answer.status_code == 200 else self.refused).append(answer)

    def __enter__(self) -> "Study":
        self.started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    find(PROGRAM, debian(PROGRAM))
    with Redis(tmp_path_factory.mktemp("redis"), REDIS_ADDRESS) as redis:
        yield redis


@pytest.fixture(scope="module")
def minted() -> dict[str, str]:
    return {name: keys.make(os.urandom(32)) for name in ("clinic", "study")}


@pytest.fixture(scope="module")
def apis(
    redis: Redis, minted: dict[str, str], bundle: Path, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Api]]:
    folder = tmp_path_factory.mktemp("limited")
    quotas = {"clinic": {"imagesPerMinute": 100_000, "imagesInFlight": 1000}, "study": {"imagesPerMinute": PER_MINUTE}}
    clients = {
        name: {"keys": [{"sha256": keys.sha256(key)}], "scopes": ["predict"], "quota": quotas[name]}
        for name, key in minted.items()
    }
    (folder / "access.json").write_text(json.dumps({"schemaVersion": 1, "clients": clients}))
    environment = {
        "ACCESS_FILE": str(folder / "access.json"),
        "MAX_PODS": str(len(ADDRESSES)),
        "REDIS_URL": redis.url,
        "REDIS_PASSWORD_FILE": str(redis.password_file),
    }
    made = [Api(f"limited-{one}", f"{one}:8002", folder, environment=environment) for one in ADDRESSES]
    made[0].follow(build_routes([(replica.name, replica.url, [1])], bundle))
    with contextlib.ExitStack() as running:
        for api in made:
            running.enter_context(api)
        for api in made:
            api.wait_until_serving()
        yield made


def metric(api: Api, name: str) -> float | None:
    lines = httpx.get(f"{api.inner_url}/metrics", timeout=30).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), None)


def test_redis_dies_freezes_fills_up_and_comes_back_under_load(
    redis: Redis, apis: list[Api], minted: dict[str, str], bundle: Path, tmp_path: Path
) -> None:
    def all_are(degraded: float) -> Callable[[], bool]:
        return lambda: all(metric(api, "inference_api_limiter_degraded") == degraded for api in apis)

    images = [grey_jpeg(0), grey_jpeg(1)]
    urls, headers = [api.url for api in apis], {"Authorization": f"Bearer {minted['clinic']}"}
    load = Load(urls, images, {1: expected_answers(bundle, images)}, tmp_path, rate_per_second=20, headers=headers)
    wait_until(all_are(0), "both pods have settled with Redis")
    with load, Study(apis, minted["study"]) as study:
        load.wait_until_answered(60)
        redis.kill()
        wait_until(all_are(1), "both miss the killed Redis")
        load.wait_until_answered(40)
        redis.start()
        wait_until(all_are(0), "both have the new Redis")
        redis.signal(signal.SIGSTOP)
        wait_until(all_are(1), "both miss the frozen Redis")
        load.wait_until_answered(40)
        redis.signal(signal.SIGCONT)
        wait_until(all_are(0), "both have the thawed Redis")
        assert redis.ask("CONFIG SET maxmemory 1") == "+OK"
        wait_until(all_are(1), "both miss the full Redis")
        load.wait_until_answered(40)
        assert redis.ask("CONFIG SET maxmemory 0") == "+OK"
        wait_until(all_are(0), "both have the emptied Redis")
        load.wait_until_answered(40)
        result = load.finish(at_least=200)
        seconds = time.monotonic() - study.started
    assert result.failed == 0
    assert set(study.statuses) == {200, 429}
    processes = len(apis)
    most = PER_MINUTE * (1 + seconds / 60) + processes * slice_images(PER_MINUTE, processes)
    most += PER_MINUTE + MAX_BATCH_SIZE * processes  # it was away
    most += PER_MINUTE  # what it knew was lost, once
    assert MAX_BATCH_SIZE * study.statuses[200] <= most < MAX_BATCH_SIZE * study.statuses.total()
    name = 'inference_api_quota_refused_total{client="study"}'
    wait_until(lambda: sum(metric(api, name) or 0 for api in apis) == study.statuses[429], "refusals are counted")
    check_answers(study)


async def test_a_report_that_comes_twice_counts_once(redis: Redis) -> None:
    address = RedisAddress(redis.url, redis.password_file, prefix="twice")
    ledger = RedisLedger(address, "process")

    async def settle(report: Report) -> Settlement:
        for _ in range(20):  # on a busy machine an answer may be late
            with contextlib.suppress(LedgerAway):
                return await ledger.settle(report)
        raise AssertionError("no answer of Redis was in time")

    settled = [await settle(Report(number, {"pacs": (8, 1)})) for number in (1, 1, 2, 2)]
    await ledger.close()
    assert {one.live for one in settled} == {1}
    assert [round(one.full_in_seconds["pacs"] / 60 / 8, 1) for one in settled] == [1, 1, 2, 2]


def check_answers(study: Study) -> None:
    for answer in (*study.answered, *study.refused):
        assert answer.headers["ratelimit-policy"] == f'"images-per-minute";q={PER_MINUTE};qu="images";w=60'
        assert answer.headers["ratelimit"].startswith('"images-per-minute";r=')
    for answer in study.refused:
        assert answer.json()["type"] == "urn:medinfer:problem:quota-exceeded"
        assert answer.json()["violated-policies"] == ["images-per-minute"]
        assert 1 <= int(answer.headers["retry-after"]) <= 61
