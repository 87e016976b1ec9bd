"""One model version: its number, its bytes, and where they lie."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, Digest, VersionNumber
from rollout_operator.documents.uri_schemes import URI_PATTERN


@dataclass(frozen=True)
class Acceptance:
    """Where a hospital's acceptance set is, and the sha256 of its bytes."""

    uri: Annotated[str, Field(pattern=URI_PATTERN)]
    digest: Digest

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Release:
    """Two releases are the same when version and digest are: bytes may move to another address.

    `acceptance`: the set by which each replica proves it; None: its own golden outputs are all.
    """

    version: VersionNumber
    digest: Digest
    uri: Annotated[str, Field(pattern=URI_PATTERN)] = field(compare=False)
    acceptance: Acceptance | None = field(default=None, compare=False)

    __pydantic_config__ = DOCUMENT

    def __str__(self) -> str:
        return f"v{self.version}"

    def proved_as(self, known: "Release") -> "Release":
        """With the acceptance set of `known`, which is the same release; the set's address may be a newer one."""
        was, now = known.acceptance, self.acceptance
        return self if was and now and was.digest == now.digest else replace(self, acceptance=was)
