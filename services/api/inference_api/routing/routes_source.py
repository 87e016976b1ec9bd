"""Where routes come from: a file, or a ConfigMap that is watched, with its mounted copy."""

import logging
import os
from pathlib import Path
from typing import Protocol

from inference_api.routing.document import MAX_DOCUMENT_BYTES

log = logging.getLogger(__name__)


class RoutesSource(Protocol):
    def read(self) -> bytes | str:
        """The newest content, or why there is none."""

    def keep(self, content: bytes) -> None:
        """This content is in force now."""


class RoutesFile:
    """A mounted ConfigMap swaps a link, so the file is opened anew each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | str:
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            return f"{self._path.name} cannot be read: {error.strerror}; write the routes document there"

    def keep(self, content: bytes) -> None:
        """It stays where it is."""


class Watch(Protocol):
    """A ConfigMap that is watched: `content` counts once `synced`."""

    name: str
    key: str
    synced: bool
    content: bytes | None


class WatchedRoutes:
    """What is watched; until the API server answered, what a worker of this pod put in force, then the mounted copy.

    Each may be old, and the highest revision wins: a worker that starts while the API server is away shall not go back
    to routes from which a version was taken away since.
    """

    def __init__(self, watch: Watch, mounted: Path, kept: Path | None) -> None:
        self._watch, self._mounted, self._kept = watch, RoutesFile(mounted), kept
        self._is_first = True

    def read(self) -> bytes | str:
        if self._is_first:
            self._is_first = False
            return self._read_kept() or self._mounted.read()
        if not self._watch.synced:
            return self._mounted.read()
        name, key = self._watch.name, self._watch.key
        missing = f"ConfigMap {name} has no {key}; write the routes document there, or leave it to the operator"
        return missing if self._watch.content is None else self._watch.content

    def keep(self, content: bytes) -> None:
        if self._kept is None:
            return
        temporary = self._kept.with_name(f".{self._kept.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.rename(self._kept)
        except OSError as error:
            log.warning("routes in force cannot be kept for workers to come: %s", error)

    def _read_kept(self) -> bytes | None:
        try:
            return self._kept.read_bytes() if self._kept else None
        except OSError:
            return None
