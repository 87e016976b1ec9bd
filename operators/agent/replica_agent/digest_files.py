"""A folder of files that are named by a digest: `<hex of the digest>` and a suffix."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


class DigestFiles:
    """Survives restarts. Opening it removes what a crash left half-written, which has another suffix."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder, self._suffix = folder, suffix
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.suffix != suffix:
                path.unlink()

    def files(self) -> dict[str, Path]:
        """Digest, `sha256:...` -> its file."""
        return {f"sha256:{path.stem}": path for path in self._folder.glob(f"*{self._suffix}")}

    def path(self, digest: str) -> Path | None:
        """The file; None when there is none."""
        path = self.place(digest)
        return path if path.is_file() else None

    def place(self, digest: str) -> Path:
        """Where the file is, or would be."""
        return self._folder / f"{digest.removeprefix('sha256:')}{self._suffix}"

    @contextlib.contextmanager
    def partial(self) -> Iterator[Path]:
        """An empty file to fetch into. It is deleted afterwards unless it was renamed to its place."""
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            path = Path(file.name)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def discard(self, digest: str) -> None:
        """Deletes the file, if there is one."""
        self.place(digest).unlink(missing_ok=True)
