"""Chromium: a viewer of another origin uses the API by script, and the page at /docs sends requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ci.load.answers import expected_answers
from ci.load.images import grey_jpeg
from ci.stack.api import Api
from tests.harness.browser import chromium, complaints_of
from tests.harness.objectstore import http_store
from tests.integration.clients.conftest import VIEWER_ADDRESS, VIEWER_PORT

pytestmark = pytest.mark.integration
expect.set_options(timeout=30_000)

IMAGE = grey_jpeg(seed=1, side=256)
ASK = """async ([url, bytes]) => {
  const body = new FormData();
  body.append("image", new Blob([new Uint8Array(bytes)]), "slice.png");
  const answer = await fetch(url + "/predict", {method: "POST", body, headers: {"X-Study-Id": "1"}});
  return [answer.status, (await answer.json()).prediction, answer.headers.get("X-Model-Version")];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("address", "allowed"), [(VIEWER_ADDRESS, True), ("127.0.5.5", False)], ids=["named", "not-named"]
)
def test_a_page_of_another_origin_asks_if_its_origin_is_named(
    page: Page, api: Api, bundle: Path, address: str, allowed: bool
) -> None:
    with http_store(address, VIEWER_PORT) as viewer:
        viewer.content["/viewer"] = b"<!doctype html><title>viewer</title>"
        page.goto(f"{viewer.url}/viewer")
        ask = [api.url, list(IMAGE)]
        if allowed:
            assert page.evaluate(ASK, ask) == [200, *expected_answers(bundle, [IMAGE]), "1"]
        else:
            with pytest.raises(Exception, match="Failed to fetch"):
                page.evaluate(ASK, ask)


def test_the_api_page_sends_an_image(page: Page, api: Api, bundle: Path) -> None:
    complaints = complaints_of(page, api.url)
    page.goto(f"{api.url}/docs")
    page.get_by_text("Classify one image").click()
    page.set_input_files("input[type=file]", {"name": "slice.jpg", "mimeType": "image/jpeg", "buffer": IMAGE})
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table tr.response")
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text(f'"prediction": "{expected_answers(bundle, [IMAGE])[0]}"')
    assert complaints == []
