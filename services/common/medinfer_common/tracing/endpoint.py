"""The address of a collector, as a setting."""

import re

_VALID = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(/[A-Za-z0-9/._-]*)?")


def check_endpoint(value: str) -> str:
    """The value, empty or an address without a user; raises ValueError."""
    if value and not _VALID.fullmatch(value):
        raise ValueError("must be an OTLP/HTTP endpoint without /v1/traces, for example http://collector:4318")
    return value
