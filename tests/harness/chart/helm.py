"""The chart as helm renders it, and helm itself."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ci.stack.control_plane import binary
from ci.stack.folders import ROOT

Json = dict[str, Any]

CHART = ROOT / "charts" / "medinfer"
SHAPES = sorted((CHART / "ci").glob("*-values.yaml"))
# What the control plane of these tests is; helm would take a newer one for granted.
KUBERNETES = "1.34.4"


class HelmFailed(Exception):
    """The message is helm's."""


def run(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float = 60,
    program: str = "helm",
) -> str:
    """helm's output; raises HelmFailed. `program`: `helm`, which is helm 4, or `helm3`."""
    command, known = [str(binary(program)), *arguments], {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command,
        env=known | dict(environment or {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    if done.returncode:
        raise HelmFailed(done.stderr.strip())
    return done.stdout


def render(
    *files: Path, settings: Sequence[str] = (), release: str = "medinfer", namespace: str = "default"
) -> list[Json]:
    """Every object of a release, the tests' too. `settings`: as of --set, `a.b=c`."""
    text = render_text(*files, settings=settings, release=release, namespace=namespace)
    return list(yaml.load_all(text, yaml.CSafeLoader))


def render_text(
    *files: Path, settings: Sequence[str] = (), release: str = "medinfer", namespace: str = "default"
) -> str:
    where = ("--namespace", namespace, "--kube-version", KUBERNETES)
    return _template(release, *where, *options(files, settings))


@cache
def _template(*arguments: str) -> str:
    return run("template", arguments[0], str(CHART), *arguments[1:])


def options(files: Sequence[Path], settings: Sequence[str]) -> list[str]:
    named = [part for path in files for part in ("--values", str(path))]
    return named + [part for setting in settings for part in ("--set", setting)]


def of_kind(objects: Iterable[Json], kind: str) -> dict[str, Json]:
    """By name."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pod_templates(objects: Iterable[Json]) -> dict[str, Json]:
    """What every pod of the release is made of, by the name of its owner; pods of tests by their own."""
    found = {}
    for one in objects:
        name = f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] == "Pod":
            found[name] = {"metadata": {"labels": one["metadata"]["labels"]}, "spec": one["spec"]}
        elif "template" in one.get("spec", {}):
            found[name] = one["spec"]["template"]
    return found


def containers(template: Json) -> list[Json]:
    return [*template["spec"].get("initContainers", ()), *template["spec"]["containers"]]
