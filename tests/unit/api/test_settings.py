"""The environment is a door like any other: what is wrong is named, with what to write."""

import pytest
from inference_api.settings import InvalidSettings, read_settings

PREFIX = "MEDINFER_API_"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv(PREFIX + "ROUTES_FILE", "/tmp/routes.json")
    return monkeypatch


def test_defaults_are_those_of_the_contract() -> None:
    settings = read_settings()
    assert (settings.bind, settings.workers, settings.runtime_dir) == ("127.0.0.1:8002", 1, None)
    assert (settings.inner_bind, settings.inner_port) == ("127.0.0.1:8003", 8003)
    assert (settings.routes_configmap, settings.namespace, settings.access_file) == ("", "", None)
    assert (settings.deadline_seconds, settings.max_in_flight) == (10, 128)
    assert (settings.max_upload_bytes, settings.max_pixels) == (20 * 1024 * 1024, 40_000_000)
    assert settings.memory_budget_bytes == 576 * 1024 * 1024
    assert (settings.max_connections, settings.max_head_bytes) == (1000, 32 * 1024)
    assert (settings.head_timeout_seconds, settings.first_byte_timeout_seconds) == (5, 20)
    assert (settings.max_pods, settings.urgent_reserve_percent) == (1, 25)
    assert (settings.allowed_hosts, settings.trusted_proxies) == ((), ())
    assert (settings.agent_port, settings.drain_seconds, settings.log_requests) == (8080, 10, False)


def test_a_missing_routes_file_says_what_to_set(environment: pytest.MonkeyPatch) -> None:
    environment.delenv(PREFIX + "ROUTES_FILE")
    with pytest.raises(InvalidSettings, match="MEDINFER_API_ROUTES_FILE is not set: set it to the path"):
        read_settings()


@pytest.mark.parametrize(
    ("variable", "value", "fix"),
    [
        pytest.param("BIND", "8002", "must be host:port, for example", id="port-alone"),
        pytest.param("BIND", "::1:80", "must be host:port, for example", id="ipv6-without-brackets"),
        pytest.param("BIND", "127.0.0.1:0", "must be host:port, for example", id="any-port"),
        pytest.param("INNER_BIND", "8003", "must be host:port, for example", id="inner-port-alone"),
        pytest.param("INNER_BIND", "127.0.0.2:8002", "another port than MEDINFER_API_BIND", id="same-port"),
        pytest.param("MEMORY_BUDGET_BYTES", "80000000", "at least 83886080, four times", id="budget-below-an-upload"),
        pytest.param("WORKERS", "many", "valid integer", id="word-for-a-number"),
        pytest.param("WORKERS", "0", "greater than or equal to 1", id="no-worker"),
        pytest.param("DEADLINE_SECONDS", "0", "greater than 0", id="no-time"),
        pytest.param("DEADLINE_SECONDS", "nan", "finite number", id="nan"),
        pytest.param("MAX_IN_FLIGHT", "-1", "greater than or equal to 1", id="negative-bound"),
        pytest.param("AGENT_PORT", "70000", "less than or equal to 65535", id="no-such-port"),
        pytest.param("ROUTES_CONFIGMAP", "a/b", "must be the name of a Kubernetes object", id="no-object-name"),
        pytest.param("NAMESPACE", "Default", "lower-case letters, digits, '-' and '.'", id="no-namespace"),
        pytest.param("REDIS_URL", "redis://:secret@redis:6379", "without a password", id="password-in-an-address"),
        pytest.param("REDIS_URL", "redis.example:6379", "must be redis://host:6379/0", id="address-without-scheme"),
        pytest.param("URGENT_RESERVE_PERCENT", "100", "less than or equal to 90", id="nothing-for-the-others"),
        pytest.param("ALLOWED_HOSTS", "a.example:80", "must be host names without port", id="host-with-port"),
        pytest.param("CORS_ORIGINS", "*", "for example https://viewer.example.org", id="every-origin"),
        pytest.param("CORS_ORIGINS", "https://a.example https://b.example/", "no path", id="an-origin-with-a-path"),
        pytest.param("CORS_ORIGINS", "viewer.example", "must be origins", id="a-host"),
        pytest.param("CORS_ORIGINS", "null", "must be origins", id="no-origin"),
        pytest.param("TRUSTED_PROXIES", "10.0.0.1/24", "must be address ranges", id="host-bits-of-a-range"),
        pytest.param("TRUSTED_PROXIES", "proxy.example", "must be address ranges", id="a-name-for-a-range"),
        pytest.param("TRUSTED_PROXIES", "0.0.0.0/0", "must not hold all addresses", id="everybody-is-a-proxy"),
        pytest.param("LOG_REQUESTS", "perhaps", "valid boolean", id="no-boolean"),
    ],
)
def test_a_bad_value_is_named_with_its_fix(
    environment: pytest.MonkeyPatch, variable: str, value: str, fix: str
) -> None:
    environment.setenv(PREFIX + variable, value)
    with pytest.raises(InvalidSettings) as caught:
        read_settings()
    assert str(caught.value).startswith(f"{PREFIX}{variable}={value}: ")
    assert fix in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_default_of_the_inner_port_may_be_taken(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "BIND", "0.0.0.0:8003")
    with pytest.raises(InvalidSettings, match=r"INNER_BIND=127\.0\.0\.1:8003: .* for example 8004"):
        read_settings()


def test_hosts_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "ALLOWED_HOSTS", "a.example, *.b.example,")
    assert read_settings().allowed_hosts == ("a.example", "*.b.example")


def test_origins_have_blanks_or_commas_between_them(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().cors_origins == ()
    environment.setenv(PREFIX + "CORS_ORIGINS", " https://a.example:8443, http://[::1]:3000\nhttps://b.example ")
    assert read_settings().cors_origins == ("https://a.example:8443", "http://[::1]:3000", "https://b.example")


def test_proxies_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "TRUSTED_PROXIES", "10.0.3.0/24, 2001:db8::/64, 10.0.0.7")
    assert [str(one) for one in read_settings().trusted_proxies] == ["10.0.3.0/24", "2001:db8::/64", "10.0.0.7/32"]


def test_an_ipv6_address_can_be_bound(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "BIND", "[::]:8002")
    assert read_settings().bind == "[::]:8002"


def test_the_default_budget_must_hold_four_of_the_largest_uploads(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + "MAX_UPLOAD_BYTES", "200000000")
    with pytest.raises(InvalidSettings, match="MEMORY_BUDGET_BYTES=603979776: must be at least 800000000"):
        read_settings()
