"""Addresses as they may be told: without user, password and query, which may be secret."""

import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+]*://[^\s'\"<>]+", re.IGNORECASE)


def redact(uri: str) -> str:
    """The address without its user, password, query and fragment."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{uri.partition(':')[0][:16]}: (an address that cannot be read)"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def scrub(text: str) -> str:
    """A foreign text in which every address is redacted."""
    return _ADDRESS.sub(lambda found: redact(found[0]), text)
