"""One model version: its number, its bytes, and where they lie."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, Digest, VersionNumber
from rollout_operator.documents.uri_schemes import URI_PATTERN


@dataclass(frozen=True)
class Release:
    """Two releases are the same when version and digest are: bytes may move to another address."""

    version: VersionNumber
    digest: Digest
    uri: Annotated[str, Field(pattern=URI_PATTERN)] = field(compare=False)

    __pydantic_config__ = DOCUMENT

    def __str__(self) -> str:
        return f"v{self.version}"
