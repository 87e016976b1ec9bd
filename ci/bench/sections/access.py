"""What it costs to know who asks, how much, and what was answered: CPU per request, next to an API that does not."""

import json
import os
from contextlib import ExitStack
from pathlib import Path

from modelctl.keys import key as keys

from ci.bench import bursts
from ci.bench.bursts import Burst
from ci.bench.results import Section, Table
from ci.bench.stand import Stand
from ci.stack import redis
from ci.stack.issuer import OidcIssuer
from ci.stack.redis import Redis
from ci.stack.say import say

ADDRESS, REDIS_ADDRESS, AUDIENCE = "127.0.0.36", "127.0.0.37", "medinfer"
OPEN, KEYS, LIMITS, TOKENS, REDIS = "open", "keys", "keys and limits", "OIDC", "Redis"
AUDIT, REQUIRED = "audit", "audit, required"
AT_MOST = {KEYS: 1.03, LIMITS: 1.03, TOKENS: 1.03, REDIS: 1.06, AUDIT: 1.03, REQUIRED: 1.06}
USERS = 10
QUOTA = {"imagesPerMinute": 1_000_000, "imagesInFlight": 1000}  # nothing is refused


def measure(stand: Stand) -> Section:
    measured = run_all(stand)
    rows, checks = bursts.compare(measured, OPEN, AT_MOST, "access")
    return Section(
        title="Who asks, how much, and what was answered",
        text=f"CPU time of one gunicorn worker and its master per request, with {USERS} k6 users. The APIs run at once "
        f"on one Triton and are loaded in turn, in {stand.count(bursts.SITTINGS)} times {bursts.ROUNDS} rounds of "
        f"{bursts.BURST_SECONDS:g} s, each time in new processes; the ratio is the median of those of the same round. "
        "Open, again: how far two APIs that are the same differ. OIDC: the same token in every request, as clients "
        "send it until it expires. Limits: a quota that refuses nothing. Redis: keys and limits that the API settles "
        "with a Redis. Audit: a line for each request in a file; required: the answer waits for its line, so that each "
        "wakes the thread that writes it.",
        tables=[Table(("API", "CPU ms per request", "ratio to open"), rows)],
        checks=checks,
    )


def run_all(stand: Stand) -> dict[str, list[Burst]]:
    """The bursts of each API, one for each round."""
    with ExitStack() as running:
        issuer = running.enter_context(OidcIssuer(stand.folder / "issuer", ADDRESS))
        secrets = make_secrets(stand.folder / "access.json", issuer)
        headers = {name: {"Authorization": f"Bearer {secret}"} for name, secret in secrets.items()}
        return bursts.run_beside(stand, make_environments(stand, running), USERS, headers)


def make_secrets(document: Path, issuer: OidcIssuer) -> dict[str, str]:
    """What the clients of each API send, and the access document that knows them."""
    made = {name: keys.make(os.urandom(keys.RANDOM_BYTES)) for name in ("key", "limited")}
    clients = {name: {"scopes": ["predict"], "keys": [{"sha256": keys.sha256(one)}]} for name, one in made.items()}
    clients["limited"]["quota"] = QUOTA
    clients["token"] = {"scopes": ["predict"], "tokens": [{"issuer": issuer.url, "claims": {"sub": "bench"}}]}
    document.write_text(json.dumps({"schemaVersion": 1, "issuers": [issuer.entry(AUDIENCE)], "clients": clients}))
    limited = made["limited"]
    return {KEYS: made["key"], LIMITS: limited, REDIS: limited, TOKENS: issuer.token(AUDIENCE, sub="bench")}


def make_environments(stand: Stand, running: ExitStack) -> dict[str, dict[str, str]]:
    """The settings of each API. Audit lines go to a file that is removed with the stand's folder."""
    asked = {"ACCESS_FILE": str(stand.folder / "access.json")}
    key = stand.folder / "audit-key"
    key.write_text(os.urandom(32).hex())
    audited = {"AUDIT_KEY_FILE": str(key), "AUDIT_FILE": str(stand.folder / "audit.jsonl")}
    environments = {OPEN: {}, KEYS: asked, LIMITS: asked, TOKENS: asked}
    if redis.is_installed():
        started = running.enter_context(Redis(stand.folder, REDIS_ADDRESS))
        environments[REDIS] = asked | {"REDIS_URL": started.url, "REDIS_PASSWORD_FILE": str(started.password_file)}
    else:
        say(f"  {redis.PROGRAM} is not installed, so there is no row {REDIS}: ci/install-packages installs it")
    environments[AUDIT] = audited | {"AUDIT_MODE": "besteffort"}
    environments[REQUIRED] = audited | {"AUDIT_MODE": "required"}
    return environments
