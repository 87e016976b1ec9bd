"""Proofs on disk, so that an agent that restarts can vouch at once for the Triton that it proved.

Each process of Triton has a random server id (server_id.py). The agent also writes it into the config with which it
loads a model, so that what somebody else loaded counts as unproved.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from replica_agent.files import write_atomic
from replica_agent.state import Proof

SCHEMA_VERSION = 1
log = logging.getLogger(__name__)

Digests = Mapping[int, str]
"""Version -> the digest of what is installed."""


@cache
def _proofs() -> TypeAdapter[Proof]:
    """Made when it is needed first: to make it would slow the start."""
    return TypeAdapter(Proof)


class KeptProofs:
    """What was proved in one process of Triton, by version and digest. Content that cannot be read proves nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: tuple[str, Mapping[int, tuple[str, Proof]]] | None = None  # None: nothing was written yet

    def read(self, server_id: str, digests: Digests) -> dict[int, Proof]:
        """The proofs of exactly these bytes in this process of Triton; an empty `server_id` is none."""
        try:
            document = json.loads(self._path.read_bytes())
            if not server_id or document["schemaVersion"] != SCHEMA_VERSION or document["serverId"] != server_id:
                return {}
            return {
                version: _proofs().validate_python(entry["proof"])
                for version, digest in digests.items()
                if (entry := document["proofs"].get(str(version))) and entry["digest"] == digest
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
            return {}

    def write(self, server_id: str, digests: Digests, proofs: Mapping[int, Proof]) -> None:
        """Replaces all that was kept. What cannot be written is not kept."""
        kept = (
            server_id,
            {version: (digests[version], one) for version, one in proofs.items() if server_id and version in digests},
        )
        if kept == self._kept:
            return
        try:
            write_atomic(self._path, _to_bytes(*kept))
            self._kept = kept
        except OSError as error:
            log.warning("proofs are not kept", extra={"error": str(error)})
            with suppress(OSError):
                self._path.unlink()  # an older one may name what was unloaded since


def _to_bytes(server_id: str, kept: Mapping[int, tuple[str, Proof]]) -> bytes:
    entries = {str(version): {"digest": digest, "proof": asdict(proof)} for version, (digest, proof) in kept.items()}
    return json.dumps(
        {"schemaVersion": SCHEMA_VERSION, "serverId": server_id, "proofs": entries}, sort_keys=True
    ).encode()
