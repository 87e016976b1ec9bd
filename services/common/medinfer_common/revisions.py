"""Revisions of plans and routes: about the time of writing, in seconds since 1970, and higher with each document.

After one from far ahead no later document would be obeyed. So nobody obeys such a one: it was written by somebody else
than the operator, or a clock is wrong.
"""

MAX_SECONDS_AHEAD = 86_400


def is_ahead(revision: int, now_seconds: float) -> bool:
    """More than a day."""
    return revision > now_seconds + MAX_SECONDS_AHEAD


def refuse_ahead(revision: int, now_seconds: float) -> str | None:
    """Why a document with this revision is not obeyed; None when it may be."""
    if not is_ahead(revision, now_seconds):
        return None
    return (
        f"revision: is {revision}, more than a day ahead of the clock ({now_seconds:.0f}); correct the clock, or leave "
        "the document to the operator, which writes it again"
    )
