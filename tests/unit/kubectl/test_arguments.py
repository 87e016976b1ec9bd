"""The command line."""

import pytest
from kubectl_modelrollout.arguments import VERBS, build_parser


@pytest.mark.parametrize(
    "line",
    [
        "status -n clinic --context east one",
        "-n clinic --context east status one",
        "status one -n clinic --context=east",
    ],
)
def test_the_cluster_is_named_before_or_after_the_command(line: str) -> None:
    found = build_parser().parse_args(line.split())
    assert (found.verb, found.name, found.namespace, found.context, found.kubeconfig) == (
        "status",
        "one",
        "clinic",
        "east",
        None,
    )


def test_the_name_may_be_left_out() -> None:
    found = build_parser().parse_args(["approve", "--gate", "signoff", "--by", "Dr. Roentgen"])
    assert (found.name, found.gate, found.by, found.apply) == (None, "signoff", "Dr. Roentgen", False)


@pytest.mark.parametrize(
    ("line", "missing"),
    [("", "COMMAND"), ("approve --by me", "--gate"), ("approve --gate g", "--by"), ("report --version x", "--version")],
)
def test_what_is_missing_is_named(line: str, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(line.split())
    assert ended.value.code == 2
    assert missing in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_and_the_exit_status(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([verb, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"kubectl modelrollout {verb}" in shown and "exit status:" in shown
