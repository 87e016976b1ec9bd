"""A model of several findings at once: a version is released, and one with permuted labels is stopped in shadow."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from modelctl.demo import chest, demo
from modelctl.demo.models import Model
from modelctl.demo.samples import Sample
from modelctl.demo.variants import select
from PIL import Image

from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.plugin import done
from tests.harness.rollout.rollouts import STEPS, RolloutStack

GOOD, PERMUTED = 2, 3

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """None, each finding alone, and several at once."""
    return chest.samples(seed=7, count=9)


@pytest.fixture
def stack(namespace: Namespace, tmp_path: Path) -> Iterator[RolloutStack]:
    bundles = tmp_path / "bundles"
    demo.write(Model.CHEST, bundles, select("stable,better,permuted"))
    stack = RolloutStack(namespace, bundles, tmp_path, model=chest.MODEL)
    try:
        yield stack
    finally:
        stack.stop()


def png(sample: Sample) -> bytes:
    file = io.BytesIO()
    Image.fromarray(sample.image).save(file, "PNG")
    return file.getvalue()


def test_findings_are_released_and_permuted_ones_are_stopped(
    stack: RolloutStack, samples: list[Sample], tmp_path: Path
) -> None:
    images = [png(sample) for sample in samples]
    stack.start()
    with stack.load(images, stack.expected(images, 1, GOOD)) as load:
        load.wait_until_answered(200)
        stack.apply(GOOD, approve=False)
        stack.wait_for_phase("Paused")
        load.mark("paused")
        stack.apply(GOOD)
        stack.wait_for_ready(GOOD)
        load.mark("promoted")
        load.wait_until_answered(200)
        stack.apply(PERMUTED)
        stack.wait_for_phase("RolledBack")
        load.wait_until_answered(100)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between(end="paused").by_version().keys() == {1}
    assert result.between("promoted").by_version().keys() == {GOOD}, "no client saw the permuted version"
    url = next(iter(stack.apis.values())).url
    assert [findings(url, image) for image in images] == [drawn(sample) for sample in samples]

    good, bad = stack.status()["history"][-2:]
    assert [step["step"] for step in good["steps"]] == STEPS[:-1]
    assert good["steps"][0]["shadow"]["agreed"] == good["steps"][0]["shadow"]["samples"] >= 60
    assert (bad["outcome"], bad["reason"], len(bad["steps"])) == ("RolledBack", "AnalysisFailed", 1), bad
    worst = bad["steps"][0]["shadow"]["worst"]
    assert worst and all(pair["stable"] != pair["canary"] for pair in worst)

    done(stack.namespace, "report", "--version", str(PERMUTED), "--output", str(tmp_path / "evidence"))
    report = (tmp_path / "evidence" / "report.md").read_text()
    assert "## Where the versions disagreed most" in report
    for pair in worst:
        assert f"| {pair['stable']} | {pair['canary']} | {pair['count']:,} |" in report


def findings(url: str, image: bytes) -> list[str]:
    found: list[str] = httpx.post(f"{url}/predict", files={"image": image}, timeout=30).json()["findings"]
    return found


def drawn(sample: Sample) -> list[str]:
    """In the order of the labels."""
    return [label for label in chest.FINDINGS if label.lower() in sample.shown]
