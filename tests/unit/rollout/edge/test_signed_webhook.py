"""The platform team's own webhook: address and keys from a mounted Secret, checked as a receiver would check it."""

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rollout_operator.edge.posting import Notice, Poster
from rollout_operator.edge.receiver import InvalidReceiver, read_receiver
from rollout_operator.edge.webhook import Notifier
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ci.stack.certificates import Authority
from ci.stack.waiting import until

HOST = "127.0.0.1"
KEY, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
NOTICE = {"schemaVersion": 1, "reason": "Promoted", "message": "v2 serves: für alle"}


class Receiver:
    """Keeps what it got; refuses the first `refusals`."""

    def __init__(self, refusals: int = 0) -> None:
        self.url, self.refusals = "", refusals
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=503 if len(self.got) <= self.refusals else 204)


@asynccontextmanager
async def serving(receiver: Receiver, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    app = web.Application()
    app.router.add_post("/hooks/tiger", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
    receiver.url = f"http{'s' if context else ''}://{HOST}:{runner.addresses[0][1]}/hooks/tiger"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def secret(folder: Path, url: str, *keys: str) -> Path:
    """As the kubelet mounts it."""
    folder.mkdir(exist_ok=True)
    (folder / "url").write_text(url)
    (folder / "key").write_text("\n".join(keys))
    return folder


async def told(tmp_path: Path, receiver: Receiver, *keys: str) -> None:
    poster = Poster(secret(tmp_path / "secret", receiver.url, *keys), allow_local_addresses=True)
    async with Notifier(poster, backoff_seconds=0.001) as notifier:
        notifier.notify("", NOTICE)
        await until(lambda: len(receiver.got) == receiver.refusals + 1, "the notice")


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        pytest.param([KEY], KEY, id="one-key"),
        pytest.param([KEY, OTHER], KEY, id="the-old-key-while-it-is-replaced"),
        pytest.param([KEY, OTHER], OTHER, id="the-new-key-while-it-is-replaced"),
    ],
)
async def test_a_receiver_verifies_the_notice(tmp_path: Path, keys: list[str], known: str) -> None:
    async with serving(Receiver()) as receiver:
        await told(tmp_path, receiver, *keys)
    (headers, body), *_ = receiver.got
    assert Webhook(known).verify(body, headers) == NOTICE


def change(headers: dict[str, str], **changes: str) -> dict[str, str]:
    return headers | {f"webhook-{name}": value for name, value in changes.items()}


@pytest.mark.parametrize("forgery", ["body", "key", "old", "id", "unsigned"])
async def test_a_receiver_refuses_a_forgery(tmp_path: Path, forgery: str) -> None:
    async with serving(Receiver()) as receiver:
        await told(tmp_path, receiver, KEY)
    (headers, body), *_ = receiver.got
    forged = {
        "body": (KEY, headers, body.replace(b"v2", b"v3")),
        "key": (OTHER, headers, body),
        "old": (KEY, change(headers, timestamp=str(int(headers["webhook-timestamp"]) - 600)), body),
        "id": (KEY, change(headers, id="msg_another"), body),
        "unsigned": (KEY, change(headers, signature=""), body),
    }
    key, forged_headers, forged_body = forged[forgery]
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(forged_body, forged_headers)


async def test_a_second_try_has_the_same_id(tmp_path: Path) -> None:
    async with serving(Receiver(refusals=2)) as receiver:
        await told(tmp_path, receiver, KEY)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    for headers, body in receiver.got:
        assert Webhook(KEY).verify(body, headers)


async def test_a_rollouts_own_webhook_gets_no_signature_of_the_platforms_key(tmp_path: Path) -> None:
    async with serving(Receiver()) as own, serving(Receiver()) as platform:
        poster = Poster(secret(tmp_path / "secret", platform.url, KEY), allow_local_addresses=True)
        async with Notifier(poster) as notifier:
            notifier.notify(own.url, NOTICE)
            await until(lambda: own.got and platform.got, "both")
    assert "webhook-signature" not in own.got[0][0] and json.loads(own.got[0][1]) == NOTICE
    assert own.got[0][0]["webhook-id"] != platform.got[0][0]["webhook-id"]


async def test_another_key_is_in_force_without_a_restart(tmp_path: Path) -> None:
    async with serving(Receiver()) as receiver:
        folder = secret(tmp_path / "secret", receiver.url, KEY)
        async with Notifier(Poster(folder, allow_local_addresses=True)) as notifier:
            secret(folder, receiver.url, OTHER)
            notifier.notify("", NOTICE)
            await until(lambda: receiver.got, "the notice")
    (headers, body), *_ = receiver.got
    assert Webhook(OTHER).verify(body, headers)


@pytest.mark.parametrize("trusted", ["hospital", "another", "nobody"])
async def test_an_authority_of_the_hospitals_own(tmp_path: Path, trusted: str) -> None:
    hospital, another = Authority(tmp_path / "hospital"), Authority(tmp_path / "another")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*hospital.issue("hooks", addresses=(HOST,)))
    ca_file = {"hospital": hospital.certificate, "another": another.certificate, "nobody": None}[trusted]
    async with serving(Receiver(), context) as receiver:
        folder = secret(tmp_path / "secret", receiver.url, KEY)
        problem = await Poster(folder, ca_file, allow_local_addresses=True).post("", Notice(NOTICE))
    if trusted == "hospital":
        assert problem is None and len(receiver.got) == 1
    else:
        assert problem and problem.startswith("its certificate is not one that the operator trusts; if an authority")
        assert "caConfigMapName" in problem and not receiver.got


@pytest.mark.parametrize("host", [HOST, "localhost", "[::ffff:127.0.0.1]"])
async def test_no_notice_goes_to_the_node_itself(host: str) -> None:
    async with serving(Receiver()) as receiver:
        problem = await Poster().post(receiver.url.replace(HOST, host), Notice(NOTICE))
    assert problem and "a loopback or link-local address; name a receiver" in problem
    assert not receiver.got


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/tiger", "https://[tiger/", "https://tiger.invalid/tiger"])
async def test_an_address_that_is_secret_stays_so(tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture) -> None:
    poster = Poster(secret(tmp_path / "secret", url, KEY), allow_local_addresses=True)
    async with Notifier(poster, backoff_seconds=0.001) as notifier:
        with caplog.at_level(logging.DEBUG):
            notifier.notify("", NOTICE)
            await until(lambda: caplog.records, "it is lost", timeout_seconds=60)
    lost = vars(caplog.records[-1])
    assert lost["receiver"] == "operator.webhook.secretName"
    assert "tiger" not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    ("url", "key", "problem"),
    [
        pytest.param("", KEY, "the key `url` of the webhook's Secret is no http", id="no-address"),
        pytest.param("ftp://tiger", KEY, "the key `url` of the webhook's Secret is no http", id="another-scheme"),
        pytest.param("https://h/", "", "has 0 signing keys; write 1 to 4", id="no-key"),
        pytest.param("https://h/", "\n".join([KEY] * 5), "has 5 signing keys; write 1 to 4", id="many-keys"),
        pytest.param(
            "https://h/", "tiger", "is not whsec_ and 24 to 64 bytes in base64; make one with", id="no-base64"
        ),
        pytest.param("https://h/", "whsec_dGlnZXI=", "is not whsec_ and 24 to 64 bytes", id="a-short-key"),
        pytest.param("https://h/", KEY.removeprefix("whsec_"), "is not whsec_ and 24", id="no-prefix"),
    ],
)
def test_a_secret_that_is_wrong_says_what_to_write(tmp_path: Path, url: str, key: str, problem: str) -> None:
    with pytest.raises(InvalidReceiver, match=problem) as invalid:
        read_receiver(secret(tmp_path / "secret", url, key))
    assert "tiger" not in str(invalid.value) and KEY not in str(invalid.value)


async def test_a_secret_that_is_missing_is_told_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(5), Notifier(Poster(tmp_path)):
        pass
    message = (
        "webhook notices will be dropped: the webhook's Secret has no readable key `url` (FileNotFoundError); add it"
    )
    assert [record.getMessage() for record in caplog.records] == [message]


def test_a_receiver_has_no_repr_that_shows_it(tmp_path: Path) -> None:
    shown: Any = repr(read_receiver(secret(tmp_path / "secret", "https://tiger/", KEY)))
    assert "tiger" not in shown and KEY not in shown
