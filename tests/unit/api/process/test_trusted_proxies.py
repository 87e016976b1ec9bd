"""The address of a client behind proxies, which a client cannot choose."""

import ipaddress
from pathlib import Path

import pytest
from inference_api.build import build
from inference_api.prediction import shares
from inference_api.process.trusted_proxies import MAX_HOPS, Network, TrustedProxies
from inference_api.settings import Settings
from starlette.types import Receive, Scope, Send

TRUSTED = tuple(map(ipaddress.ip_network, ("10.0.0.0/24", "2001:db8:ffff::/48")))
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"
XFF, FORWARDED = "x-forwarded-for", "forwarded"


async def seen(peer: str | None, headers: list[tuple[str, str]]) -> str | None:
    """The address that the application sees."""
    found: list[tuple[str, int] | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["client"])

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope: Scope = {"type": "http", "client": peer and (peer, 4711), "headers": raw}
    await TrustedProxies(app, TRUSTED)(scope, None, None)  # type: ignore[arg-type]  # nobody receives or sends
    return found[0][0] if found[0] else None


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        pytest.param(PROXY, [(XFF, CLIENT)], CLIENT, id="one-proxy"),
        pytest.param(PROXY, [(XFF, f"{CLIENT}, 10.0.0.2")], CLIENT, id="two-proxies"),
        pytest.param(PROXY, [(XFF, f"{CLIENT}:4711")], CLIENT, id="with-a-port"),
        pytest.param(PROXY, [(XFF, "[2001:db8::7]:4711")], "2001:db8::7", id="ipv6-with-a-port"),
        pytest.param(PROXY, [(XFF, "2001:db8::7")], "2001:db8::7", id="ipv6"),
        pytest.param("2001:db8:ffff::1", [(XFF, CLIENT)], CLIENT, id="a-proxy-with-ipv6"),
        pytest.param("::ffff:10.0.0.1", [(XFF, CLIENT)], CLIENT, id="a-proxy-on-a-socket-of-both-kinds"),
        pytest.param(PROXY, [(XFF, f"::ffff:{CLIENT}")], CLIENT, id="ipv4-written-as-ipv6"),
        pytest.param(PROXY, [(FORWARDED, f"for={CLIENT};proto=https")], CLIENT, id="forwarded"),
        pytest.param(PROXY, [(FORWARDED, 'For="[2001:db8::7]:4711"')], "2001:db8::7", id="forwarded-ipv6"),
        pytest.param(PROXY, [(FORWARDED, f"for={CLIENT}, for=10.0.0.2;by=10.0.0.1")], CLIENT, id="forwarded-twice"),
        pytest.param(PROXY, [(XFF, CLIENT), (FORWARDED, f"for={CLIENT}")], CLIENT, id="both-agree"),
        pytest.param(PROXY, [(XFF, "10.0.0.9, 10.0.0.2")], "10.0.0.9", id="only-proxies"),
        pytest.param(PROXY, [], PROXY, id="the-proxy-itself"),
        # From here on somebody lies.
        pytest.param(CLIENT, [(XFF, "192.0.2.1")], CLIENT, id="no-proxy"),
        pytest.param(CLIENT, [(FORWARDED, "for=192.0.2.1")], CLIENT, id="no-proxy-forwarded"),
        pytest.param("10.0.1.1", [(XFF, "192.0.2.1")], "10.0.1.1", id="next-to-the-trusted-network"),
        pytest.param(PROXY, [(XFF, f"192.0.2.1, {CLIENT}")], CLIENT, id="a-client-wrote-the-first"),
        pytest.param(PROXY, [(XFF, f"192.0.2.1, 10.0.0.3, {CLIENT}")], CLIENT, id="a-client-wrote-a-proxy"),
        pytest.param(PROXY, [(XFF, "192.0.2.1"), (XFF, CLIENT)], CLIENT, id="a-client-wrote-a-line"),
        pytest.param(PROXY, [(FORWARDED, f'for="192.0.2.1, for={CLIENT}')], CLIENT, id="a-quote-that-never-ends"),
        pytest.param(PROXY, [(FORWARDED, f"for={CLIENT};for=192.0.2.1")], PROXY, id="two-in-one-element"),
        pytest.param(PROXY, [(FORWARDED, "for=192.0.2.1"), (XFF, CLIENT)], PROXY, id="the-header-of-no-proxy"),
        pytest.param(PROXY, [(FORWARDED, f"for={CLIENT}"), (XFF, "192.0.2.1")], PROXY, id="the-other-way-round"),
        pytest.param(PROXY, [(FORWARDED, "proto=https"), (XFF, CLIENT)], PROXY, id="without-an-address"),
        pytest.param(PROXY, [("x-real-ip", "192.0.2.1")], PROXY, id="a-header-of-nobody"),
        pytest.param(PROXY, [(XFF, "unknown, 10.0.0.2")], "10.0.0.2", id="unknown"),
        pytest.param(PROXY, [(FORWARDED, "for=_hidden")], PROXY, id="obfuscated"),
        pytest.param(PROXY, [(XFF, "DOE^JANE")], PROXY, id="a-patient"),
        pytest.param(PROXY, [(XFF, "203.0.113.07")], PROXY, id="octal"),
        pytest.param(PROXY, [(XFF, "3405803783")], PROXY, id="a-number"),
        pytest.param(PROXY, [(XFF, "fe80::1%eth0")], PROXY, id="a-zone"),
        pytest.param(PROXY, [(XFF, "\xe9\x00\r")], PROXY, id="bytes"),
        pytest.param(PROXY, [(XFF, ",,, ,")], PROXY, id="commas"),
        pytest.param(PROXY, [(XFF, "")], PROXY, id="empty"),
        pytest.param(PROXY, [(XFF, "192.0.2.1" + ", 10.0.0.2" * MAX_HOPS)], "10.0.0.2", id="too-many-hops"),
        pytest.param("testclient", [(XFF, CLIENT)], "testclient", id="a-peer-without-an-address"),
        pytest.param(None, [(XFF, CLIENT)], None, id="a-socket-without-an-address"),
    ],
)
async def test_the_address_is(peer: str | None, headers: list[tuple[str, str]], address: str | None) -> None:
    assert await seen(peer, headers) == address


@pytest.mark.parametrize(
    ("proxies", "address"),
    [pytest.param(TRUSTED, CLIENT, id="named"), pytest.param((), PROXY, id="nobody-by-default")],
)
async def test_the_setting_decides(proxies: tuple[Network, ...], address: str, tmp_path: Path) -> None:
    settings = Settings(routes_file=tmp_path / "routes.json", trusted_proxies=proxies)
    found: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(shares.of(scope))

    scope: Scope = {"type": "http", "client": (PROXY, 4711), "headers": [(XFF.encode(), CLIENT.encode())]}
    await build(settings).guarded(app)(scope, None, None)  # type: ignore[arg-type]  # nobody receives or sends
    assert found == [address]
