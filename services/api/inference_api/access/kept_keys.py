"""The signing keys that workers of this pod were told, for workers that start while the issuer cannot be asked."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference_api import kept_file
from inference_api.access.issuers import Issuer


@dataclass(frozen=True, slots=True)
class Kept:
    """A JSON Web Key Set, and how long ago the issuer told it."""

    content: object
    age_seconds: float


class KeptKeys:
    """One file for each issuer in `folder`. `now`: seconds since 1970."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._folder, self._now = folder, now

    def write(self, issuer: Issuer, content: object) -> None:
        """Replaces what was kept of this issuer."""
        kept = json.dumps({"readAt": self._now(), "keys": content})
        kept_file.write(self._path(issuer), kept.encode(), "the signing keys of an issuer")

    def read(self, issuer: Issuer) -> Kept | None:
        """None when nothing is kept of this issuer."""
        try:
            kept = json.loads(self._path(issuer).read_bytes())
            return Kept(kept["keys"], max(0.0, self._now() - kept["readAt"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _path(self, issuer: Issuer) -> Path:
        """Another file when the document says otherwise where the keys are."""
        return self._folder / f"signing-keys-{hashlib.sha256(repr(issuer).encode()).hexdigest()[:16]}.json"
