import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from replica_agent.settings import InvalidSettings, read_settings
from replica_agent.supervise import backoff_seconds, triton_arguments


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDINFER_AGENT_PLAN_FILE", "/etc/medinfer/plan.json")
    monkeypatch.setenv("MEDINFER_AGENT_DATA_DIR", str(tmp_path / "data"))


def test_defaults(tmp_path: Path) -> None:
    settings = read_settings()
    assert (settings.address, settings.port, settings.triton_address) == ("0.0.0.0", 8080, "127.0.0.1")
    assert settings.instance_kind == "KIND_GPU" and settings.triton_command == () and settings.replica
    assert (settings.plan_configmap, settings.namespace) == ("", "")
    assert settings.memory_limit_bytes is None and settings.min_free_disk_bytes == 256 << 20
    assert (tmp_path / "data").is_dir() and not list((tmp_path / "data").iterdir())


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDINFER_AGENT_TRITON_COMMAND", "")
    monkeypatch.setenv("MEDINFER_AGENT_PORT", "")
    assert read_settings().port == 8080


def test_a_command_may_have_arguments_and_spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = tmp_path / "my triton"
    command.touch(mode=0o755)
    monkeypatch.setenv("MEDINFER_AGENT_TRITON_COMMAND", f"'{command}' --log-verbose=1")
    assert read_settings().triton_command == (str(command), "--log-verbose=1")


def test_domains_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDINFER_AGENT_OPERATOR_DOMAINS", "ai.onnx.ml, org.example-ops")
    assert read_settings().operator_domains == ("ai.onnx.ml", "org.example-ops")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PLAN_FILE", None, "MEDINFER_AGENT_PLAN_FILE is not set; set it to the path of the plan"),
        ("DATA_DIR", None, "MEDINFER_AGENT_DATA_DIR is not set; set it to a folder for bundles"),
        ("DATA_DIR", "/proc/nowhere", "MEDINFER_AGENT_DATA_DIR: /proc/nowhere cannot be written"),
        ("PORT", "http", "MEDINFER_AGENT_PORT: Input should be a valid integer"),
        ("PORT", "0", "MEDINFER_AGENT_PORT: Input should be greater than or equal to 1, not '0'; correct or unset it"),
        ("INSTANCE_KIND", "GPU", "MEDINFER_AGENT_INSTANCE_KIND: Input should be 'KIND_GPU' or 'KIND_CPU', not 'GPU'"),
        ("MEMORY_LIMIT_BYTES", "2Gi", "MEDINFER_AGENT_MEMORY_LIMIT_BYTES: Input should be a valid integer"),
        ("PLAN_CONFIGMAP", "plan.json?watch", "MEDINFER_AGENT_PLAN_CONFIGMAP: write the name of a Kubernetes object"),
        ("NAMESPACE", "Default", "MEDINFER_AGENT_NAMESPACE: write the name of a Kubernetes object: lower-case letters"),
        ("TRITON_COMMAND", "/nowhere/run x", "MEDINFER_AGENT_TRITON_COMMAND: /nowhere/run is not a command here; name"),
        ("OPERATOR_DOMAINS", "a,,b", "MEDINFER_AGENT_OPERATOR_DOMAINS: write domains of ONNX operators, separated by"),
        ("OPERATOR_DOMAINS", "a b", "MEDINFER_AGENT_OPERATOR_DOMAINS: write domains"),
        ("ALLOWED_PREFIXES", "store.example", "MEDINFER_AGENT_ALLOWED_PREFIXES: write addresses like https://store"),
        ("ALLOWED_PREFIXES", "https://u:p@h/", "MEDINFER_AGENT_ALLOWED_PREFIXES: write addresses like https://store"),
        ("STORE_AUTHORIZATION", "Bearer x", "MEDINFER_AGENT_STORE_AUTHORIZATION: needs a host in each https address"),
        ("VERIFICATION", "yes", "MEDINFER_AGENT_VERIFICATION: Input should be 'off', 'warn' or 'enforce', not 'yes'"),
        (
            "VERIFICATION",
            "warn",
            "MEDINFER_AGENT_SIGNERS_FILE: is needed by MEDINFER_AGENT_VERIFICATION",
        ),
        ("FETCH_SECONDS", "0", "MEDINFER_AGENT_FETCH_SECONDS: Input should be greater than 0"),
        ("TRITON_COMMAND", "'open", "MEDINFER_AGENT_TRITON_COMMAND: No closing quotation"),
    ],
)
def test_a_bad_variable_is_named_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, complaint: str
) -> None:
    variable = f"MEDINFER_AGENT_{name}"
    monkeypatch.delenv(variable) if value is None else monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as invalid:
        read_settings()
    assert complaint in str(invalid.value) and "\n" not in str(invalid.value)


def test_the_process_says_it_on_one_line_and_exits_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "replica_agent"],
        env=os.environ | {"MEDINFER_AGENT_PORT": "70000"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("replica_agent: MEDINFER_AGENT_PORT: ") and ended.stderr.count("\n") == 1


def test_the_header_for_the_store_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDINFER_AGENT_STORE_AUTHORIZATION", "Bearer tiger")
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    assert "tiger" not in str(refused.value)
    monkeypatch.setenv("MEDINFER_AGENT_ALLOWED_PREFIXES", "https://store.example/ s3://")
    assert read_settings().rules.authorization == "Bearer tiger"


def test_a_taken_address_ends_it_before_triton_starts(tmp_path: Path) -> None:
    """Regression guard: it went on without its endpoints, so nobody could ask whether a version was warm."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {
            "PLAN_FILE": str(tmp_path / "plan.json"),
            "DATA_DIR": str(tmp_path / "data"),
            "ADDRESS": "127.0.0.1",
            "PORT": str(taken.getsockname()[1]),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "replica_agent"],
            env=os.environ | {f"MEDINFER_AGENT_{name}": value for name, value in settings.items()},
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("replica_agent: cannot listen on 127.0.0.1:") and ended.stderr.count("\n") == 1


def test_triton_is_started_so_that_only_the_agent_controls_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDINFER_AGENT_TRITON_ADDRESS", "127.0.0.9")
    arguments = triton_arguments(read_settings(), tmp_path)
    assert {"--model-control-mode=explicit", "--strict-readiness=false", "--grpc-address=127.0.0.9"} <= set(arguments)
    assert not [argument for argument in arguments if argument.startswith("--load-model")]
    (restricted,) = (argument for argument in arguments if argument.startswith("--http-restricted-api="))
    assert "model-repository,model-config,shared-memory,statistics,trace,logging:" in restricted
    key = restricted.rpartition("=")[2]
    assert len(key) >= 32 and key not in " ".join(triton_arguments(read_settings(), tmp_path))
    monkeypatch.setenv("MEDINFER_AGENT_RESTRICTED_KEY", "chosen")
    assert any(argument.endswith("=chosen") for argument in triton_arguments(read_settings(), tmp_path))


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.5), (2, 1), (4, 4), (7, 30), (1000, 30)])
def test_back_off_between_lives_of_triton(deaths: int, seconds: float) -> None:
    assert backoff_seconds(deaths) == seconds
