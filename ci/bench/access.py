"""What it costs to know who asked and what was answered: CPU time per request, next to an API that does neither."""

import json
import os
import time
from collections import defaultdict
from contextlib import ExitStack
from statistics import median

from modelctl.keys import key as keys

from ci.bench.results import Check, Section, Table
from ci.bench.servers import cpu_seconds, replica, serving
from ci.bench.stand import Stand
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.issuer import OidcIssuer

ADDRESS, AUDIENCE = "127.0.0.36", "medinfer"
OPEN, KEYS, TOKENS, AUDIT, REQUIRED = "open", "keys", "OIDC", "audit", "audit, required"
USERS = 10
ROUNDS = 12
BURST_SECONDS = 2.0
SETTLE_SECONDS = 5.0  # the API imports pydicom in a thread some seconds after it is ready
AT_MOST = 1.03


def measure(stand: Stand) -> Section:
    cpu_ms, failed = run_all(stand)
    rows, checks = [], []
    for name, spent in cpu_ms.items():
        ratio = median(one / other for one, other in zip(spent, cpu_ms[OPEN], strict=True))
        rows.append((name, f"{median(spent):.3f}", f"{ratio:.3f}"))
        if name != OPEN:
            checks.append(Check(f"CPU per request, {name} / {OPEN}", ratio, at_most=AT_MOST))
    return Section(
        title="Who asks, and what was answered",
        text=f"CPU time of one gunicorn worker and its master per request, with {USERS} k6 users. The APIs run at once "
        f"on one Triton and are loaded in turn, in {stand.count(ROUNDS)} rounds of {BURST_SECONDS:g} s; the ratio is "
        "the median of those of neighbouring bursts. OIDC: the same token in every request, as clients send it until "
        "it expires. Audit: a line for each request in a file; required: the answer waits for its line.",
        tables=[Table(("API", "CPU ms per request", "ratio to open"), rows)],
        checks=[*checks, Check("failed requests, authentication runs", failed, at_most=0)],
    )


def run_all(stand: Stand) -> tuple[dict[str, list[float]], int]:
    """CPU milliseconds per request by API, one for each round, and how many requests failed."""
    spent: dict[str, list[float]] = defaultdict(list)
    failed = 0
    with ExitStack() as running:
        issuer = running.enter_context(OidcIssuer(stand.folder / "issuer", ADDRESS))
        triton = running.enter_context(replica(stand.tiny[0], stand.folder))
        apis = start(stand, issuer, build_routes([(triton.name, triton.url, [1])], stand.tiny[0]), running)
        time.sleep(SETTLE_SECONDS)
        for number in range(stand.count(ROUNDS)):
            for name in apis if number % 2 else reversed(apis):
                api, headers = apis[name]
                before = cpu_seconds(api.pid)
                result = stand.closed(name, [api.url], USERS, BURST_SECONDS, headers)
                spent[name].append((cpu_seconds(api.pid) - before) * 1000 / result.requests)
                failed += result.failed
    return {name: spent[name] for name in apis}, failed


def start(
    stand: Stand, issuer: OidcIssuer, routes: dict[str, object], running: ExitStack
) -> dict[str, tuple[Api, dict[str, str]]]:
    """Each API with the headers of its clients."""
    made = keys.make(os.urandom(keys.RANDOM_BYTES))
    clients = {
        "key": {"scopes": ["predict"], "keys": [{"sha256": keys.sha256(made)}]},
        "token": {"scopes": ["predict"], "tokens": [{"issuer": issuer.url, "claims": {"sub": "bench"}}]},
    }
    document = stand.folder / "access.json"
    document.write_text(json.dumps({"schemaVersion": 1, "issuers": [issuer.entry(AUDIENCE)], "clients": clients}))
    secrets = {KEYS: made, TOKENS: issuer.token(AUDIENCE, sub="bench")}
    asked, audited = {"ACCESS_FILE": str(document)}, audit_environment(stand)
    environments = {
        OPEN: {},
        KEYS: asked,
        TOKENS: asked,
        AUDIT: audited | {"AUDIT_MODE": "besteffort"},
        REQUIRED: audited | {"AUDIT_MODE": "required"},
    }
    apis = {}
    for number, (name, environment) in enumerate(environments.items(), 90):
        secret = secrets.get(name)
        api = Api(name, f"127.0.0.{number}:8002", stand.folder, environment=environment)
        api.follow(routes)
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        running.enter_context(serving(api, stand.image, headers=headers))
        apis[name] = (api, headers)
    return apis


def audit_environment(stand: Stand) -> dict[str, str]:
    """Lines go to a file that is removed with the stand's folder."""
    key = stand.folder / "audit-key"
    key.write_text(os.urandom(32).hex())
    return {"AUDIT_KEY_FILE": str(key), "AUDIT_FILE": str(stand.folder / "audit.jsonl")}
