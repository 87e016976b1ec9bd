"""Numbers, times and columns as text."""

from collections.abc import Iterable, Sequence

from rollout_operator.documents.codec import format_time

from kubectl_modelrollout.colors import width

DIGEST_SHOWN = len("sha256:") + 12


def short(digest: str) -> str:
    """
    >>> short("sha256:" + "0123456789abcdef" * 4)
    'sha256:0123456789ab'
    """
    return digest[:DIGEST_SHOWN]


def moment(seconds: int | None) -> str:
    """RFC 3339 of seconds since 1970; `-` for None."""
    return format_time(seconds) if seconds is not None else "-"


def duration(seconds: int) -> str:
    """The two largest units.

    >>> duration(3725), duration(90061), duration(0)
    ('1h 2m', '1d 1h', '0s')
    """
    left, parts = max(0, seconds), list[str]()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2]) or "0s"


def count(number: int, what: str) -> str:
    """
    >>> count(1, "request"), count(1200, "request")
    ('1 request', '1,200 requests')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: float | None, digits: int = 1) -> str:
    """
    >>> percent(0.98765), percent(None)
    ('98.8 %', '-')
    """
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def milliseconds(seconds: float | None) -> str:
    """
    >>> milliseconds(0.01234)
    '12.3 ms'
    """
    return "-" if seconds is None else f"{1000 * seconds:.1f} ms"


def table(rows: Iterable[Sequence[str]], heading: Sequence[str] = (), indent: str = "  ") -> str:
    """Columns as wide as they must be."""
    every = [*([tuple(heading)] if heading else []), *(tuple(row) for row in rows)]
    widths = [max(width(row[index]) for row in every) for index in range(len(every[0]))] if every else []
    lines = [
        "  ".join(cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)) for row in every
    ]
    return "\n".join((indent + line).rstrip() for line in lines)
