"""A host to which a registry redirects for its layers, as a CDN or S3: it has the same files, and wants no password."""

from pathlib import Path
from urllib.parse import unquote

from ci.stack.certificates import Authority
from tests.harness.small_server import SmallServer


class FileHost(SmallServer):
    """`authorizations`: the header of each request, as it came."""

    def __init__(self, folder: Path, address: str, authority: Authority) -> None:
        super().__init__(address, authority)
        self._folder = folder
        self.authorizations: list[str | None] = []

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        self.authorizations.append(authorization)
        return 200, (self._folder / unquote(path).lstrip("/")).read_bytes()
