"""Which addresses an agent asks, and which addresses of the network it connects to."""

import pytest
from medinfer_common.outgoing.addresses import is_local
from replica_agent.store.errors import Refused
from replica_agent.store.rules import check, check_credentials, check_prefix

HOSPITAL = ("https://store.example/models/", "s3://bundles/imaging", "file:/bundles")


@pytest.mark.parametrize(
    ("uri", "prefixes"),
    [
        pytest.param("https://store.example/models/m-2.tar", HOSPITAL, id="below-the-path"),
        pytest.param("HTTPS://STORE.example:443/models/a/m.tar", HOSPITAL, id="case-and-default-port"),
        pytest.param("https://store.example./models/m.tar", HOSPITAL, id="root-dot"),
        pytest.param("s3://bundles/imaging/m.tar", HOSPITAL, id="bucket-and-key"),
        pytest.param("file:///bundles/m.tar", HOSPITAL, id="file"),
        pytest.param("https://anywhere.example/m.tar", ("https://", "s3://"), id="any-host"),
        pytest.param("http://bundles:8080/x/m.tar", ("http://bundles:8080/",), id="http-switched-on-for-one-host"),
        pytest.param("oci://reg.example/models/a/m@sha256:0", ("oci://reg.example/models",), id="repository-below"),
        pytest.param("oci://reg.example:443/m@sha256:0", ("oci://reg.example/m",), id="the-repository-itself"),
        pytest.param("oci://anywhere.example/m@sha256:0", ("oci://",), id="any-registry"),
    ],
)
def test_allowed(uri: str, prefixes: tuple[str, ...]) -> None:
    check(uri, prefixes)


@pytest.mark.parametrize(
    ("uri", "prefixes"),
    [
        pytest.param("http://store.example/models/m.tar", HOSPITAL, id="http"),
        pytest.param("http://store.example/models/m.tar", ("https://", "s3://"), id="http-by-default"),
        pytest.param("file:///bundles/m.tar", ("https://", "s3://"), id="file-by-default"),
        pytest.param("https://store.example.evil/models/m.tar", HOSPITAL, id="longer-host"),
        pytest.param("https://store.example:8443/models/m.tar", HOSPITAL, id="another-port"),
        pytest.param("https://store.example@evil/models/m.tar", HOSPITAL, id="host-as-user"),
        pytest.param("https://store.example/modelsX/m.tar", HOSPITAL, id="half-a-segment"),
        pytest.param("https://store.example/models/../secret", HOSPITAL, id="dots"),
        pytest.param("https://store.example/models/%2e%2e/secret", HOSPITAL, id="encoded-dots"),
        pytest.param("https://store.example/models/..%2fsecret", HOSPITAL, id="encoded-slash"),
        pytest.param("https://store.example/models/..%5csecret", HOSPITAL, id="encoded-backslash"),
        pytest.param("https://store.example\\@evil/models/m.tar", HOSPITAL, id="backslash"),
        pytest.param("https://store.example/models/ m.tar", HOSPITAL, id="white-space"),
        pytest.param("https://store.example:port/models/m.tar", HOSPITAL, id="no-port"),
        pytest.param("s3://bundles2/imaging/m.tar", HOSPITAL, id="another-bucket"),
        pytest.param("file:///bundles/../etc/shadow", HOSPITAL, id="out-of-the-folder"),
        pytest.param("oci://store.example/models/m@sha256:0", HOSPITAL, id="registry-of-a-host-of-https"),
        pytest.param("oci://reg.example/models2@sha256:0", ("oci://reg.example/models",), id="longer-repository"),
        pytest.param("oci://reg.example:5000/models@sha256:0", ("oci://reg.example/",), id="port-of-a-registry"),
    ],
)
def test_refused(uri: str, prefixes: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=r"is under none of the allowed|cannot be read|has white space"):
        check(uri, prefixes)


@pytest.mark.parametrize(
    "uri", ["https://user:tiger@h/m.tar", "https://user@h/m.tar", "https://h/m.tar?sig=tiger", "s3://h/m.tar#tiger"]
)
def test_credentials_in_an_address_are_refused_and_not_told(uri: str) -> None:
    with pytest.raises(Refused, match="put credentials into the Secret") as refused:
        check_credentials(uri)
    assert "tiger" not in str(refused.value) and "user:" not in str(refused.value)


@pytest.mark.parametrize("prefix", ["store.example", "ftp://h/", "https://u:p@h/", "https://h/?a", "https://h:x/"])
def test_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises((ValueError, Refused)):
        check_prefix(prefix)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "255.255.255.255", "224.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "93.184.215.14", "2001:db8::1", "64:ff9b::5db8:d70e"])
def test_not_local(address: str) -> None:
    assert not is_local(address)
