"""The version of medinfer, in every file that states it.

python -m ci.version check         exits 1 and names each place that differs from the root pyproject.toml
python -m ci.version set 0.2.0     writes it into the root pyproject.toml and everywhere else
"""

import argparse
import re
import sys
from pathlib import Path

from ci.stack.folders import ROOT
from ci.statements import MissingStatement, Place, differing, read, write

PROJECT = r'^version = "(.+)"$'
LOCKED = r'^version = "(.+)"\nsource = \{ (?:editable|virtual) = '  # the packages of this repository, no others
IMAGE = r"^ARG VERSION=(.+)$"

SOURCE = Place("pyproject.toml", PROJECT)
COPIES = (
    Place("services/*/pyproject.toml", PROJECT),
    Place("operators/*/pyproject.toml", PROJECT),
    Place("model_repository/pyproject.toml", PROJECT),
    Place("uv.lock", LOCKED),
    Place("services/triton/uv.lock", LOCKED),
    Place("services/*/Dockerfile", IMAGE),
    Place("operators/*/Dockerfile", IMAGE),
    Place("model_repository/Dockerfile", IMAGE),
    Place("charts/medinfer/Chart.yaml", r"^(?:version|appVersion): (.+)$"),
    Place("docs/install.md", r"\btag(?:=|: )(\d+\.\d+\.\d+)"),
    Place("docs/air-gapped.md", r"(?:medinfer-|--version )(\d+\.\d+\.\d+)"),
    Place("manifests/gitops/stack/chart.yaml", r"tag: v(\d+\.\d+\.\d+)"),
    Place("manifests/gitops/argocd/stack.yaml", r"targetRevision: v(\d+\.\d+\.\d+)"),
)


class InvalidVersion(Exception):
    """The message says what a version looks like."""


def current(root: Path = ROOT) -> str:
    """What the root pyproject.toml states. Raises MissingStatement."""
    return read(root, [SOURCE])[0].value


def check(root: Path = ROOT) -> list[str]:
    """A line for each place that states another version. Raises MissingStatement."""
    return differing(read(root, COPIES), current(root))


def set_version(version: str, root: Path = ROOT) -> list[Path]:
    """Writes it everywhere; returns the files that changed. Raises InvalidVersion, MissingStatement.

    Only X.Y.Z: helm and Python spell everything longer, such as a release candidate, in different ways.
    """
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise InvalidVersion(f"{version!r} is no version: write three numbers, as in 0.2.0")
    return write(root, [SOURCE, *COPIES], version)


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 when all places agree, or were written; 1 else."""
    given = _parser().parse_args(arguments)
    try:
        return _set(given.version) if given.command == "set" else _check()
    except (InvalidVersion, MissingStatement) as error:
        print(f"ci.version: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.version", description="The version of medinfer")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="name the places that differ from the root pyproject.toml")
    commands.add_parser("set", help="write a version everywhere").add_argument("version", metavar="X.Y.Z")
    return parser


def _check() -> int:
    wanted, wrong = current(), check()
    for line in wrong:
        print(f"{line}, not {wanted}")
    return 1 if wrong else 0


def _set(version: str) -> int:
    for path in set_version(version):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
