"""Who gets notices of the platform team's own webhook: a mounted Secret says it, and is read for each notice."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

KEY_PREFIX = "whsec_"
# https://github.com/standard-webhooks/standard-webhooks, spec, "Signature scheme"
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64
MAX_KEYS = 4
MAKE_A_KEY = f'"{KEY_PREFIX}$(head -c 32 /dev/urandom | base64)"'


class InvalidReceiver(ValueError):
    """The Secret is incomplete; the message says what to write and nothing of what it holds."""


@dataclass(frozen=True, repr=False)
class Receiver:
    """An address, which may itself be secret, and the keys that sign for it: several while one is replaced."""

    url: str
    keys: tuple[bytes, ...] = ()


def read_receiver(folder: Path) -> Receiver:
    """Raises InvalidReceiver."""
    url = _read(folder, "url").strip()
    if not url.startswith(("https://", "http://")):
        raise InvalidReceiver("the key `url` of the webhook's Secret is no http(s) address; correct it")
    keys = tuple(_decode(line) for line in _read(folder, "key").split())
    if not 1 <= len(keys) <= MAX_KEYS:
        raise InvalidReceiver(
            f"the key `key` of the webhook's Secret has {len(keys)} signing keys; write 1 to {MAX_KEYS}, one on each "
            f"line, made with {MAKE_A_KEY}"
        )
    return Receiver(url, keys)


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        problem = type(error).__name__
        raise InvalidReceiver(f"the webhook's Secret has no readable key `{name}` ({problem}); add it") from None


def _decode(line: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not line.startswith(KEY_PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise InvalidReceiver(
            f"the key `key` of the webhook's Secret is not {KEY_PREFIX} and {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes "
            f"in base64; make one with {MAKE_A_KEY}"
        )
    return key
