"""The demonstration's chest model, by a real Triton, agent and API: its findings, and the page in a browser."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from modelctl.demo import chest, demo
from modelctl.demo.models import Model
from modelctl.demo.variants import select
from playwright.sync_api import Browser, expect

from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.replica import Replica
from tests.harness.browser import complaints_of

REPLICA_ADDRESS, API_ADDRESS = "127.0.3.31", "127.0.3.32"

expect.set_options(timeout=30_000)
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1, and samples that are named by their findings."""
    folder = tmp_path_factory.mktemp("chest")
    demo.write(Model.CHEST, folder, select("stable"))
    return folder


@pytest.fixture(scope="module")
def api(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    bundle, folder = made / f"{chest.MODEL}-1.tar", tmp_path_factory.mktemp("stack")
    replica = Replica("chest-0", REPLICA_ADDRESS, folder / "chest-0")
    replica.follow(build_plan(bundle))
    api = Api("api", f"{API_ADDRESS}:8002", folder, workers=1, environment={})
    with replica:
        replica.wait_until_warm(120)
        api.follow(build_routes([("chest-0", replica.url, [1])], bundle))
        with api:
            api.wait_until_serving()
            yield api


def drawn(sample: Path) -> list[str]:
    """In the order of the labels."""
    names = sample.stem.rpartition("-")[0]
    return [label for label in chest.FINDINGS if label.lower() in names]


def test_every_sample_gets_its_findings(api: Api, made: Path) -> None:
    files = [path for path in (made / "samples").iterdir() if path.suffix in (".png", ".jpg")]
    assert {len(drawn(file)) for file in files} == {0, 1, 2, 3}
    for file in files:
        answer = httpx.post(f"{api.url}/predict", files={"image": file.read_bytes()}, timeout=30).json()
        assert answer["findings"] == drawn(file), file.name
        assert list(answer["probabilities"]) == list(chest.FINDINGS)


@pytest.mark.parametrize(
    ("sample", "headline", "detail", "bars"),
    [
        pytest.param("no-finding-1.png", "No finding", "0 of 5 findings over their thresholds. The most", 0, id="none"),
        pytest.param("nodule-2.jpg", "Nodule", "1 of 5 findings over their thresholds.", 1, id="one"),
        pytest.param(
            "cardiomegaly-effusion-1.png",
            "Cardiomegaly, Effusion",
            "2 of 5 findings over their thresholds.",
            2,
            id="two",
        ),
    ],
)
def test_the_page_says_which_findings_there_are(
    browser: Browser, api: Api, made: Path, sample: str, headline: str, detail: str, bars: int
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    complaints = complaints_of(page, api.url)
    page.goto(api.url)
    page.set_input_files("#file", made / "samples" / sample)
    expect(page.locator("#prediction")).to_have_text(headline)
    expect(page.locator("#confidence")).to_contain_text(detail)
    assert page.locator("#bars li").count() == len(chest.FINDINGS)
    assert page.locator("#bars li.top").count() == bars
    context.close()
    assert complaints == []
