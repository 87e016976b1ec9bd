"""A client as the access document describes it."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

STATE_KEY = "client"


class Scope(StrEnum):
    """What a client may do."""

    PREDICT = "predict"  # POST /predict and /predict/batch
    STATUS = "status"  # GET /status


class Priority(StrEnum):
    """Whose requests come first when there is not room for all."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that a client may have; None: no limit."""

    images_per_minute: int | None = None
    images_in_flight: int | None = None


UNLIMITED = Quota()


@dataclass(frozen=True, slots=True)
class Client:
    """`canary`: whether a canary may get its images. `evidence`: whether its requests count for or against a release.

    `name` is empty for the anonymous client, which asks where authentication is off.
    """

    name: str
    scopes: frozenset[Scope] = frozenset(Scope)
    quota: Quota = UNLIMITED
    priority: Priority = Priority.NORMAL
    canary: bool = True
    evidence: bool = True

    @property
    def has_quota(self) -> bool:
        """Whether there is a limit to what it may have. A document that names none gives UNLIMITED itself."""
        return self.quota is not UNLIMITED


ANONYMOUS = Client("")


def of(scope: MutableMapping[str, Any]) -> Client:
    """Who sent the request with this ASGI scope: `scope["state"]["client"]`, which Authentication sets."""
    client: Client = (scope.get("state") or {}).get(STATE_KEY, ANONYMOUS)
    return client
