"""Signs notices as Standard Webhooks has it, so that receivers can check them with its libraries. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def headers(keys: Sequence[bytes], notice_id: str, unix_seconds: int, body: bytes) -> dict[str, str]:
    """`notice_id`: the same for each try, so that a receiver knows what it has. Without keys nothing is signed."""
    signed = f"{notice_id}.{unix_seconds}.".encode() + body
    named = {"webhook-id": notice_id, "webhook-timestamp": str(unix_seconds), "Content-Type": "application/json"}
    return named | ({"webhook-signature": " ".join(_sign(key, signed) for key in keys)} if keys else {})


def _sign(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
