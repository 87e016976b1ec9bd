"""A request whose offer to change the protocol is ignored."""

from collections.abc import Iterable

_OFFER = frozenset({b"upgrade", b"http2-settings"})


def head_without_upgrade(method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request that was parsed before, as bytes, without Upgrade and what belongs to it.

    Names are in lower case. RFC 9110 section 7.8: a server may ignore an offered upgrade, as Java's HttpClient and
    `curl --http2` make one with every first request.
    """
    lines = [b"%b %b HTTP/%b\r\n" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            value = _without_offer(value)
            if not value:
                continue
        if name not in _OFFER:
            lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join([*lines, b"\r\n"])


def _without_offer(tokens: bytes) -> bytes:
    kept = (token.strip() for token in tokens.split(b","))
    return b", ".join(token for token in kept if token and token.lower() not in _OFFER)
