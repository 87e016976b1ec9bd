"""Serves a text in Prometheus' format, for series that no part on this machine exports."""

from tests.harness.small_server import SmallServer


class Exposition(SmallServer):
    """`text`: what a scrape reads."""

    media_type = "text/plain; version=0.0.4"

    def __init__(self, address: str, text: str) -> None:
        super().__init__(address)
        self._text = text

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        return 200, self._text.encode()
