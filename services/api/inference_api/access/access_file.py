"""Follows the access document in a file, which may change at any time.

An absent or invalid document is never an instruction: the last valid one stays in force, also for workers of this pod
that start later, and `rejected` says why the newest was refused.
"""

import logging
from pathlib import Path

from inference_api import kept_file, mounted_file
from inference_api.access import document as documents
from inference_api.access.authenticator import Authenticator
from inference_api.access.document import Access
from inference_api.access.fields import InvalidAccess

POLL_SECONDS = 1
log = logging.getLogger(__name__)


class AccessFile:
    """`kept`: where the document in force is written for workers that start later; None: nowhere."""

    def __init__(self, authenticator: Authenticator, path: Path, kept: Path | None) -> None:
        self._authenticator, self._path, self._kept = authenticator, path, kept
        self._content: bytes | str | None = None

    async def poll(self) -> None:
        """Reads the file once, and puts it in force when it is another valid document."""
        content = mounted_file.read(self._path, documents.MAX_DOCUMENT_BYTES, "the access document")
        if content == self._content:
            return
        self._content = content
        access = self._parse(content)
        if access is None:
            self._fall_back()
            return
        self._authenticator.apply(access)
        assert isinstance(content, bytes)
        if self._kept is not None:
            kept_file.write(self._kept, content, "the access document")
        log.info("access document applied", extra={"clients": len(access.clients), "keys": len(access.grants)})

    def _parse(self, content: bytes | str) -> Access | None:
        try:
            if isinstance(content, str):
                raise InvalidAccess(content)
            return documents.parse(content)
        except InvalidAccess as error:
            self._authenticator.rejected = str(error)
            log.warning("access document rejected: %s", error)
            return None

    def _fall_back(self) -> None:
        """At the start, to what another worker of this pod had in force."""
        if self._authenticator.access is not None or self._kept is None:
            return
        try:
            access, reason = documents.parse(self._kept.read_bytes()), self._authenticator.rejected
        except (OSError, InvalidAccess):
            return
        self._authenticator.apply(access)
        self._authenticator.rejected = reason
