"""A name of something in a registry."""

import re
from dataclasses import dataclass

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReference(ValueError):
    """The message says what is wrong with the name."""


@dataclass(frozen=True)
class Reference:
    """`repository`: with the registry in front. `digest`: sha256:..., or empty where only a tag says which."""

    repository: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else self.repository


def parse(text: str) -> Reference:
    """A tag next to a digest says nothing and is dropped. Raises InvalidReference."""
    name, _, digest = text.partition("@")
    if digest and not DIGEST.fullmatch(digest):
        raise InvalidReference(f"{text}: {digest} is no digest, which is sha256: and 64 digits")
    folder, slash, last = name.rpartition("/")
    return Reference(f"{folder}{slash}{last.partition(':')[0]}", digest)


def registry(text: str) -> str:
    """Host and path in front of the images' names, as the chart's `image.repository`. Raises InvalidReference."""
    trimmed = text.strip().rstrip("/")
    if not trimmed:
        raise InvalidReference("name a registry, as in REGISTRY=registry.example.org/medinfer")
    if "://" in trimmed or "@" in trimmed or trimmed != trimmed.lower():
        raise InvalidReference(f"{text} is no registry: write host and path in small letters, without https://")
    return trimmed
