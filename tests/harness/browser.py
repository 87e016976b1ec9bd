"""A real Chromium, for the pages that the API serves."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.harness.programs import debian, find

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Ends with the block."""
    path = find("chromium", debian("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def complaints_of(page: Page, origin: str) -> list[str]:
    """Grows with each error of the page's scripts, each breach of its policy, and each request to another origin."""
    complaints: list[str] = []
    ours = (origin, "blob:", "data:")
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "policy" in message.text.lower() else None)
    page.on("request", lambda request: None if request.url.startswith(ours) else complaints.append(request.url))
    return complaints
