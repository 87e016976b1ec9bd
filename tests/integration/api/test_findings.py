"""The demonstration's chest model, by a real Triton, agent and API: its findings, and the page in a browser."""

from pathlib import Path

import httpx
import pytest
from modelctl.demo import chest
from playwright.sync_api import Browser, expect

from ci.stack.api import Api
from tests.harness.browser import complaints_of

expect.set_options(timeout=30_000)
pytestmark = pytest.mark.integration


def drawn(sample: Path) -> list[str]:
    """In the order of the labels."""
    names = sample.stem.rpartition("-")[0]
    return [label for label in chest.FINDINGS if label.lower() in names]


def test_every_sample_gets_its_findings(chest_api: Api, chest_folder: Path) -> None:
    files = [path for path in (chest_folder / "samples").iterdir() if path.suffix in (".png", ".jpg")]
    assert {len(drawn(file)) for file in files} == {0, 1, 2, 3}
    for file in files:
        answer = httpx.post(f"{chest_api.url}/predict", files={"image": file.read_bytes()}, timeout=30).json()
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
    browser: Browser, chest_api: Api, chest_folder: Path, sample: str, headline: str, detail: str, bars: int
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    complaints = complaints_of(page, chest_api.url)
    page.goto(chest_api.url)
    page.set_input_files("#file", chest_folder / "samples" / sample)
    expect(page.locator("#prediction")).to_have_text(headline)
    expect(page.locator("#confidence")).to_contain_text(detail)
    assert page.locator("#bars li").count() == len(chest.FINDINGS)
    assert page.locator("#bars li.top").count() == bars
    context.close()
    assert complaints == []


def test_before_the_first_image_the_page_promises_neither_a_model_nor_a_number_of_classes(
    browser: Browser, chest_api: Api
) -> None:
    """It once said "each of the four classes" over this model, too."""
    page = browser.new_page()
    page.goto(chest_api.url)
    shown = (page.title() + page.locator("body").inner_text()).lower()
    page.close()
    assert "each class or finding" in shown
    assert [word for word in ("four", "brain", "glioma") if word in shown] == []
