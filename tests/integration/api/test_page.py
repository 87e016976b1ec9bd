"""The page in a real browser: an image is chosen, its class, four probabilities and the version appear."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from ci.load.answers import expected_answers
from ci.load.images import grey_jpeg, grey_pixels
from ci.stack.api import Api
from ci.stack.documents import read_manifest
from tests.harness.browser import complaints_of
from tests.harness.hostile.dicoms import dicom_file

expect.set_options(timeout=30_000)  # the page asks for the status every 2 s, and the browser shares two cores
pytestmark = pytest.mark.integration


@pytest.fixture
def page(browser: Browser, api: Api) -> Iterator[Page]:
    """Fails the test on any error of the script, and on anything that the page asks of another host."""
    context = browser.new_context(reduced_motion="reduce")  # no transitions to wait for
    page = context.new_page()
    complaints = complaints_of(page, api.url)
    page.goto(api.url)
    yield page
    context.close()
    assert complaints == []


def choose(page: Page, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})


@pytest.mark.parametrize("seed", range(2))
def test_an_image_gets_its_class_four_probabilities_and_the_version(page: Page, bundle: Path, seed: int) -> None:
    image = grey_jpeg(seed)
    choose(page, "slice.jpg", image)
    expect(page.locator("#prediction")).to_have_text(expected_answers(bundle, [image])[0])
    labels = page.locator("#bars li > span:first-child").all_inner_texts()
    assert labels == read_manifest(bundle)["labels"]
    shares = [float(text.rstrip("%\u00a0")) for text in page.locator("#bars .value").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    facts = page.locator("#facts").inner_text()
    assert "Model version\n1" in facts and "sha256:" in facts and "ms in the service" in facts and "Request id" in facts


def test_the_bars_are_as_long_as_the_probabilities(page: Page) -> None:
    """A width that CSS does not understand once made every bar full."""
    choose(page, "slice.jpg", grey_jpeg(0))
    expect(page.locator("#bars")).to_be_visible()
    measure = "bars => bars.map(bar => 100 * bar.getBoundingClientRect().width / bar.parentElement.clientWidth)"
    lengths = page.locator("#bars .fill").evaluate_all(measure)
    shares = [float(text.rstrip("%\u00a0")) for text in page.locator("#bars .value").all_inner_texts()]
    assert lengths == pytest.approx(shares, abs=1)


def test_a_picture_is_previewed(page: Page) -> None:
    choose(page, "slice.jpg", grey_jpeg(0))
    expect(page.locator("#preview")).to_be_visible()
    assert page.locator("#preview").evaluate("image => image.decode().then(() => image.naturalWidth)") == 512


@pytest.mark.parametrize("name", ["slice.dcm", "slice.tif"])
def test_what_a_browser_cannot_show_has_a_placeholder_and_is_classified(page: Page, name: str) -> None:
    file = io.BytesIO()
    Image.fromarray(grey_pixels(1)).save(file, "TIFF")
    choose(page, name, dicom_file(grey_pixels(1)) if name.endswith("dcm") else file.getvalue())
    expect(page.locator("#no-preview")).to_be_visible()
    expect(page.locator("#preview")).to_be_hidden()
    expect(page.locator("#answer")).to_be_visible()


def test_a_problem_is_shown_as_a_sentence(page: Page) -> None:
    choose(page, "notes.txt", b"no image at all")
    expect(page.locator("#problem")).to_contain_text("JPEG, PNG, WebP, BMP, TIFF and DICOM images are read")
    expect(page.locator("#facts")).to_contain_text("Request id")
    expect(page.locator("#answer")).to_be_hidden()


def test_a_problem_gives_way_to_the_next_answer(page: Page) -> None:
    choose(page, "notes.txt", b"no image at all")
    expect(page.locator("#problem")).to_be_visible()
    choose(page, "slice.jpg", grey_jpeg(0))
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()


def test_an_image_can_be_dropped_anywhere(page: Page) -> None:
    script = """bytes => {
      const dropped = new DataTransfer();
      dropped.items.add(new File([new Uint8Array(bytes)], "slice.jpg", {type: "image/jpeg"}));
      document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true}));
    }"""
    page.evaluate(script, list(grey_jpeg(0)))
    expect(page.locator("#answer")).to_be_visible()


def test_the_state_of_the_rollout_is_shown(page: Page) -> None:
    expect(page.locator("#rollout-text")).to_have_text("Version 1 answers every request.")
    expect(page.locator("#service-text")).to_have_text("In service")
    expect(page.locator("#version-rows")).to_contain_text("stable")


def rollout(canary_weight: int) -> dict[str, object]:
    return {
        "stable": {"version": 1, "weight": 100 - canary_weight},
        "canary": {"version": 2, "weight": canary_weight},
        "releasing": True,
        "draining": False,
    }


def test_a_canary_is_shown(page: Page) -> None:
    page.route("**/status", lambda route: route.fulfill(json=rollout(25)))
    expect(page.locator("#rollout-text")).to_contain_text(
        "Version 2 is being released: it answers 25\u00a0% of the requests"
    )
    expect(page.locator("#version-rows tr").last).to_have_text("Version 2canary25\u00a0%")


def test_an_unreachable_service_is_shown(page: Page) -> None:
    page.route("**/status", lambda route: route.abort())
    expect(page.locator("#service-text")).to_have_text("Service not reachable")
    page.route("**/predict", lambda route: route.abort())
    choose(page, "slice.jpg", grey_jpeg(0))
    expect(page.locator("#problem")).to_contain_text("The service cannot be reached")


def test_it_works_by_keyboard_and_for_a_screen_reader(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    assert page.locator("#live").get_attribute("aria-live") == "polite"
    assert page.locator("#file").evaluate("input => input.labels[0].textContent").strip().startswith("Drop an image")


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    choose(page, "a-file-name-that-is-quite-long-and-has-no-place-to-break.jpg", grey_jpeg(0))
    expect(page.locator("#answer")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_one_file_that_allows_no_other_script(api: Api) -> None:
    response = httpx.get(api.url)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "script-src 'sha256-" in policy
    assert "http://" not in response.text.replace("http://www.w3.org/2000/svg", "") and "https://" not in response.text
    assert "Not a medical device. For research and demonstration." in response.text
