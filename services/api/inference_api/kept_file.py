"""What is in force in one worker, in a file for workers of its pod that start later."""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def write(path: Path, content: bytes, what: str) -> None:
    """Replaces the file whole: nobody reads half of it. Logs a warning that names `what` where it cannot be saved."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.rename(path)
    except OSError as error:
        log.warning("%s cannot be saved for workers that start later: %s", what, error)
