"""What `make release` decides without a registry: names, the chart's values, origins, what a person has wrong."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ci.cluster.chart import CHART
from ci.release import charted, commit
from ci.release.__main__ import main
from ci.release.programs import explained, meant
from ci.release.provenance import BY_HAND, Build, builder, predicate
from ci.release.reference import InvalidReference, Reference, parse, registry
from ci.release.signatures import signer
from ci.release.verify import named
from ci.stack.errors import CommandFailed

DIGEST = "sha256:" + "a1" * 32
DIGESTS = {image: f"sha256:{number}" + "0" * 63 for number, (_, _, image) in enumerate(charted.PARTS)}


@pytest.mark.parametrize(
    "text, repository, digest",
    [
        ("host:5000/path/medinfer-api", "host:5000/path/medinfer-api", ""),
        ("host:5000/path/medinfer-api:0.1.0", "host:5000/path/medinfer-api", ""),
        (f"host:5000/path/medinfer-api@{DIGEST}", "host:5000/path/medinfer-api", DIGEST),
        (f"host/medinfer-api:0.1.0@{DIGEST}", "host/medinfer-api", DIGEST),
        ("medinfer-api:0.1.0", "medinfer-api", ""),
    ],
)
def test_names_of_images(text: str, repository: str, digest: str) -> None:
    assert parse(text) == Reference(repository, digest)


def test_a_digest_is_whole() -> None:
    with pytest.raises(InvalidReference, match="is no digest"):
        parse("host/medinfer-api@sha256:abc")


@pytest.mark.parametrize("wrong", ["", " ", "/", "https://host/medinfer", "Host/medinfer", f"host/medinfer@{DIGEST}"])
def test_no_registries(wrong: str) -> None:
    with pytest.raises(InvalidReference):
        registry(wrong)


def test_a_registry_may_end_with_a_slash() -> None:
    assert registry("host:5000/medinfer/") == "host:5000/medinfer"


def test_the_chart_of_a_release_differs_in_names_and_digests_only(tmp_path: Path) -> None:
    charted.with_digests(CHART, tmp_path / "medinfer", "host/medinfer", DIGESTS)
    for file in ("values.yaml", "values-cpu.yaml"):
        before, after = (yaml.safe_load((folder / file).read_text()) for folder in (CHART, tmp_path / "medinfer"))
        for name, part, image in charted.PARTS:
            if name == file:
                assert after[part].pop("image") == {"digest": DIGESTS[image]}
                before[part].pop("image")
        if file == "values.yaml":
            assert after["image"].pop("repository") == "host/medinfer"
            before["image"].pop("repository")
        assert after == before
        assert len((tmp_path / "medinfer" / file).read_text().splitlines()) == len(
            (CHART / file).read_text().splitlines()
        )


def test_a_value_that_is_not_there() -> None:
    with pytest.raises(CommandFailed, match=r"no api\.image"):
        charted.replaced("api:\n  workers: 1\nother:\n  image: null\n", "api", "image", "{}")


def test_the_origin_names_source_and_materials() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    said = predicate(Build("c" * 40 + "-dirty", "0.2.0", moment), "medinfer-api", {"oci://base": "b" * 64}, moment)
    definition, details = said["buildDefinition"], said["runDetails"]
    assert definition["externalParameters"]["commit"] == "c" * 40 + "-dirty"
    assert [one["digest"] for one in definition["resolvedDependencies"]] == [
        {"gitCommit": "c" * 40},
        {"sha256": "b" * 64},
    ]
    assert details["metadata"] == {"startedOn": "2026-01-31T12:00:00Z", "finishedOn": "2026-01-31T12:00:00Z"}


def test_who_built() -> None:
    github = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/release.yaml@v1"}
    assert builder({}) == BY_HAND
    assert builder(github) == "https://github.com/o/r/.github/workflows/release.yaml@v1"


def test_images_in_manifests() -> None:
    pod = {"spec": {"initContainers": [{"image": "a"}], "containers": [{"name": "image", "image": "b"}]}}
    assert list(named([pod, None])) == ["a", "b"]


@pytest.mark.parametrize(
    "given, said",
    [
        ([], "name a registry"),
        (["--registry", "https://host/medinfer"], "without https://"),
        (["--registry", "host/medinfer"], "name the key to sign with"),
        (["--registry", "host/medinfer", "--key", "nowhere.key"], "nowhere.key is not there"),
        (["--registry", "host/medinfer", "--key", __file__], "COSIGN_PASSWORD is not set"),
    ],
)
def test_what_a_person_has_wrong(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    assert main(["publish", *given]) == 1
    assert said in capsys.readouterr().err


def test_who_signed_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--registry", "host/medinfer"]) == 1
    assert "KEY=cosign.pub" in capsys.readouterr().err


def test_ci_needs_no_key() -> None:
    assert signer(None, keyless=True).key is None


@pytest.mark.parametrize("words", ["UNAUTHORIZED: authentication required", "requested access is DENIED"])
def test_a_registry_that_refuses(words: str) -> None:
    assert "docker login host" in str(explained(CommandFailed(words), "host/medinfer"))
    assert str(explained(CommandFailed("no space left"), "host/medinfer")) == "no space left"


def test_what_cosign_means() -> None:
    said = (
        "WARNING: no trusted_root.json\nError: no signatures found\nerror during command execution: no signatures found"
    )
    assert meant(said) == "Error: no signatures found"


def test_changed_files_are_not_released(tmp_path: Path) -> None:
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-mx"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    clean = commit.released(dirty=False, root=tmp_path)
    assert len(clean) == 40
    (tmp_path / "new").touch()
    with pytest.raises(CommandFailed, match=r"1 files differ from the commit, new first"):
        commit.released(dirty=False, root=tmp_path)
    assert commit.released(dirty=True, root=tmp_path) == f"{clean}-dirty"
