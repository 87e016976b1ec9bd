"""The least rate at which the body of an upload must come. Times are the event loop's, in seconds. Pure."""

MIN_BYTES_PER_SECOND = 16 * 1024
GRACE_SECONDS = 2.0

# After such a delay of the event loop, bytes may have come that nobody has read yet.
LATE_SECONDS = 0.25


def next_look(started: float, received_bytes: int, planned: float, now: float) -> float | None:
    """When to look at this upload again; None: it is too slow. `planned`: when this look should have been."""
    if now - planned > LATE_SECONDS:
        return now + GRACE_SECONDS
    due = started + GRACE_SECONDS + received_bytes / MIN_BYTES_PER_SECOND
    return due if due > now else None
