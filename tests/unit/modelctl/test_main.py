"""The command line: exit status, the reason on one line, and the output."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from modelctl.bundle.verify import file_digest
from modelctl.demo.family import NOTICE
from modelctl.main import main

CORE_ONLY = """
import sys
for name in ("onnx", "onnxruntime", "PIL", "tqdm", "safetensors", "nilearn", "nibabel"):
    sys.modules[name] = None
from modelctl.main import main
sys.exit(main(sys.argv[1:]))
"""


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("modelctl: ") and captured.err.count("\n") == 1
    return captured.err


def test_demo_says_what_it_wrote_and_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["demo", "--model", "tiny", "--out", str(tmp_path), "--variants", "stable, better"]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    digests = [file_digest(tmp_path / f"resnet_medical-{version}.tar") for version in (1, 2)]
    assert first.startswith(NOTICE)
    assert all(digest in first for digest in digests)
    index = json.loads((tmp_path / "demo.json").read_text())
    assert [one["digest"] for one in index["bundles"]] == digests
    assert {path.stem for path in (tmp_path / "samples").glob("*-1.png")} == {
        "glioma-1",
        "meningioma-1",
        "pituitary-1",
        "no-tumor-1",
    }
    assert main(arguments) == 0
    assert "Kept what was there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda out: (out / "resnet_medical-1.tar").write_bytes(b"x"), id="bundle-changed"),
        pytest.param(lambda out: (out / "resnet_medical-1.tar").unlink(), id="bundle-gone"),
        pytest.param(lambda out: (out / "demo.json").write_text("{"), id="index-cut"),
        pytest.param(lambda out: (out / "demo.json").write_text("[]"), id="index-of-another-kind"),
    ],
)
def test_demo_makes_again_what_was_spoilt(tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: object) -> None:
    arguments = ["demo", "--model", "tiny", "--out", str(tmp_path), "--variants", "stable"]
    assert main(arguments) == 0
    before = file_digest(tmp_path / "resnet_medical-1.tar")
    spoil(tmp_path)  # type: ignore[operator]
    assert main(arguments) == 0
    assert "Written" in capsys.readouterr().out
    assert file_digest(tmp_path / "resnet_medical-1.tar") == before


def test_verify_and_inspect(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digest = file_digest(bundle)
    assert main(["verify", str(bundle), "--digest", digest]) == 0
    assert "is complete and correct: resnet_medical version 1" in capsys.readouterr().out
    assert main(["inspect", str(bundle)]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in (digest, NOTICE, "Glioma, Meningioma, Pituitary, No Tumor", "model.onnx"))
    assert main(["inspect", "--json", str(bundle)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["digest"], document["version"], document["bytes"]) == (digest, 1, bundle.stat().st_size)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        pytest.param(["verify", "missing.tar"], "missing.tar: No such file or directory", id="no-file"),
        pytest.param(["verify", "/"], "Is a directory", id="a-folder"),
        pytest.param(["inspect", "/dev/null"], "empty or truncated", id="empty"),
        pytest.param(
            ["demo", "--model", "tiny", "--out", "x", "--variants", "fast"], "no variant 'fast'", id="variant"
        ),
        pytest.param(["export", "missing.pth"], "missing.pth", id="no-checkpoint"),
        pytest.param(["export", "missing.safetensors"], "No such file", id="no-safetensors"),
        pytest.param(["pack", "missing.onnx", "--version", "1"], "give --golden", id="no-golden"),
        pytest.param(
            ["pack", "m.onnx", "--version", "1", "--provenance", "x"], "takes KEY=VALUE, not 'x'", id="provenance"
        ),
    ],
)
def test_a_mistake_is_one_line_and_status_1(
    arguments: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reason in refused(arguments, capsys)


@pytest.mark.parametrize("arguments", [[], ["x"], ["demo"], ["pack", "a"], ["pack", "a", "--version", "x"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: modelctl" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "export", "pack", "verify", "inspect"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize(
    "arguments, status, told",
    [
        pytest.param(["verify"], 0, "is complete and correct", id="verify"),
        pytest.param(["inspect"], 0, "labels", id="inspect"),
        pytest.param(["export"], 1, "is not installed; install modelctl[build,demo]", id="export"),
    ],
)
def test_the_core_needs_nothing_but_numpy(bundle: Path, arguments: list[str], status: int, told: str) -> None:
    """The agent's image installs modelctl without its extras."""
    command = [sys.executable, "-c", CORE_ONLY, *arguments, str(bundle)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == status, result.stderr
    assert told in result.stdout + result.stderr


def test_what_a_bundle_says_cannot_steer_the_terminal() -> None:
    from modelctl.report import printable

    assert printable("a\x1b[2Jb\nc") == "a?[2Jb?c"
