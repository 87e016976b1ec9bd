"""The operator's environment: what is refused, and in which words."""

import pytest
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS
from rollout_operator.documents.floors import Floors
from rollout_operator.settings import InvalidSettings, read_settings


def given(environment: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        environment.setenv(f"MEDINFER_OPERATOR_{name}", value)


def test_only_the_namespace_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, NAMESPACE="medinfer", PORT="")
    settings = read_settings()
    assert settings.replica_host == "{pod}.{service}.{namespace}.svc"
    assert (settings.lease_seconds, settings.port, settings.identity != "") == (10, 8080, True)
    assert settings.resync_seconds == IDLE_REQUEUE_SECONDS


def test_a_namespace_that_is_not_set_says_what_it_is_for() -> None:
    with pytest.raises(InvalidSettings, match="MEDINFER_OPERATOR_NAMESPACE is not set; set it to the namespace of"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("REPLICA_HOST", "{node}.svc", "may only use {pod}", id="host-of-an-unknown-place"),
        pytest.param("REPLICA_HOST", "{}.svc", "may only use {pod}", id="host-of-a-nameless-place"),
        pytest.param("REPLICA_HOST", "{pod", "may only use {pod}", id="host-with-an-open-brace"),
        pytest.param("REPLICA_HOST", "{pod.name}.svc", "may only use {pod}", id="host-of-an-attribute"),
        pytest.param("REPLICA_HOST", "{pod[name]}.svc", "may only use {pod}", id="host-of-an-item"),
        pytest.param("REPLICA_HOST", "triton.svc", "must contain {pod} or {ip}", id="one-host-for-all"),
        pytest.param("LEASE_SECONDS", "2", "greater than or equal to 3", id="a-lease-too-short-to-renew"),
        pytest.param("LEASE_SECONDS", "3600", "less than or equal to 60", id="a-lease-too-long-to-wait-for"),
        pytest.param("RESYNC_SECONDS", "0", "greater than or equal to 1", id="a-resync-without-pause"),
        pytest.param("RESYNC_SECONDS", "60", "less than or equal to 10", id="a-resync-after-connections-are-closed"),
        pytest.param("ASK_TIMEOUT_SECONDS", "0", "greater than 0", id="no-time-to-answer"),
        pytest.param("ASK_TIMEOUT_SECONDS", "nan", "less than or equal to 10", id="a-time-that-is-no-number"),
        pytest.param("AGENT_PORT", "http", "valid integer", id="a-port-by-name"),
        pytest.param("FLOORS", "atol", "Invalid JSON", id="floors-that-are-no-json"),
        pytest.param("API_PORT", "65536", "less than or equal to 65535", id="a-port-that-does-not-exist"),
    ],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    given(monkeypatch, NAMESPACE="medinfer", **{name: value})
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    problem = str(refused.value)
    assert problem.startswith(f"MEDINFER_OPERATOR_{name}: ") and words in problem
    assert problem.endswith(f"not {value!r}; correct or unset it")


def test_every_problem_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, PORT="0", LEASE_SECONDS="ten")
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    problem = str(refused.value)
    assert all(name in problem for name in ("OPERATOR_NAMESPACE", "OPERATOR_PORT", "OPERATOR_LEASE_SECONDS"))
    assert "\n" not in problem


def test_floors_are_json_as_the_chart_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, NAMESPACE="medinfer", FLOORS='{"atol":0.05,"minAgreement":null,"requiredGates":["a"]}')
    assert read_settings().floors == Floors(atol=0.05, required_gates=("a",))


@pytest.mark.parametrize(
    ("floors", "words"),
    [
        pytest.param('{"atol": 2}', "atol: Input should be less than or equal to 1, not '2'", id="no-share"),
        pytest.param('{"minSample": 2}', "minSample: Unexpected keyword argument", id="an-unknown-name"),
        pytest.param('{"requiredGates": [""]}', "requiredGates: 0: String should have at least 1", id="no-name"),
    ],
)
def test_a_wrong_floor_is_named(monkeypatch: pytest.MonkeyPatch, floors: str, words: str) -> None:
    given(monkeypatch, NAMESPACE="medinfer", FLOORS=floors)
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    assert str(refused.value).startswith(f"MEDINFER_OPERATOR_FLOORS: {words}")
