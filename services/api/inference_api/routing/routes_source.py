"""Where routes come from: a file, or a watched ConfigMap and its mounted copy."""

from pathlib import Path
from typing import Protocol

from inference_api import kept_file, mounted_file
from inference_api.routing.document import MAX_DOCUMENT_BYTES


class RoutesSource(Protocol):
    """The seam to whatever holds the routes document."""

    def read(self) -> bytes | str:
        """The newest content as bytes, or as text the reason why there is none."""

    def keep(self, content: bytes) -> None:
        """Remembers that this content is in force."""


class RoutesFile:
    """A file, which may be mounted from a ConfigMap."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | str:
        """At most one byte more than a document may have; text when the file cannot be read."""
        return mounted_file.read(self._path, MAX_DOCUMENT_BYTES, "the routes document")

    def keep(self, content: bytes) -> None:
        """Does nothing: the file stays where it is."""


class Watch(Protocol):
    """A watched ConfigMap. `content` means nothing before `synced`."""

    name: str
    key: str
    synced: bool
    content: bytes | None


class WatchedRoutes:
    """The watched ConfigMap; until it is synced, the content that a worker of this pod kept, then the mounted copy.

    Each of them may be old. The follower ignores a lower revision, so a worker that starts while the API server is
    unreachable does not go back to routes that still name a version which was taken away.
    """

    def __init__(self, watch: Watch, mounted: Path, kept: Path | None) -> None:
        self._watch, self._mounted, self._kept = watch, RoutesFile(mounted), kept
        self._is_first = True

    def read(self) -> bytes | str:
        """The content to put in force next; text when there is none."""
        if self._is_first:
            self._is_first = False
            return self._read_kept() or self._mounted.read()
        if not self._watch.synced:
            return self._mounted.read()
        name, key = self._watch.name, self._watch.key
        missing = f"ConfigMap {name} has no {key}; write the routes document there, or leave it to the operator"
        return missing if self._watch.content is None else self._watch.content

    def keep(self, content: bytes) -> None:
        """Writes the content for workers of this pod that start later."""
        if self._kept is not None:
            kept_file.write(self._kept, content, "the routes in force")

    def _read_kept(self) -> bytes | None:
        try:
            return self._kept.read_bytes() if self._kept else None
        except OSError:
            return None
