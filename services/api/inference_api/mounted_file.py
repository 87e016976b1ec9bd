"""A document in a file that the kubelet mounts from a ConfigMap or a Secret."""

from pathlib import Path


def read(path: Path, max_bytes: int, what: str) -> bytes | str:
    """At most one byte more than a document may have; text, which names `what`, when the file cannot be read.

    It is opened for each read, because the kubelet updates what it mounts by swapping a link.
    """
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}; write {what} there"
