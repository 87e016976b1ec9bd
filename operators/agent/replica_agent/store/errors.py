"""Why an artifact does not come."""

from replica_agent.store.redaction import redact


class StoreError(Exception):
    """The artifact could not be fetched; the message names the source without what may be secret."""


class Missing(StoreError):
    """The source answered that there is nothing at this address."""


class Refused(StoreError):
    """Asking again changes nothing: this agent may not ask that address, or what it gets there is no bundle."""


class WrongDigest(Refused):
    """The address stands for other bytes than those that are wanted."""


def local_address(uri: str, address: str) -> Refused:
    """The store has an address of the node's, or of the cloud's own services."""
    return Refused(
        f"{redact(uri)}: leads to {address}, a loopback or link-local address, which no agent of a cluster asks; "
        "name a store that has an address of its own"
    )
