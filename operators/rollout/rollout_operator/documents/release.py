"""One model version: its number, its bytes, and where they lie."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, Digest, VersionNumber


@dataclass(frozen=True)
class Release:
    """Two releases are the same when version and digest are: bytes may move to another address."""

    version: VersionNumber
    digest: Digest
    uri: Annotated[str, Field(pattern=r"^(file:/|https?://|s3://).")] = field(compare=False)

    __pydantic_config__ = DOCUMENT

    def __str__(self) -> str:
        return f"v{self.version}"
