"""`python -m ci.release publish|verify|gather`; make's targets build first what these need."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from ci import version
from ci.release import commit
from ci.release.gather import gather
from ci.release.provenance import Build
from ci.release.publish import publish
from ci.release.reference import InvalidReference, registry
from ci.release.signatures import signer, verifier
from ci.release.verify import failures
from ci.stack.errors import CommandFailed

GITHUB = "https://token.actions.githubusercontent.com"


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 when something is wrong, with a sentence on standard error."""
    given = _parser().parse_args(arguments)
    try:
        given.registry = registry(given.registry)
        return COMMANDS[given.command](given)
    except (CommandFailed, InvalidReference) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1


def _publish(given: argparse.Namespace) -> int:
    """Everything that a person can have wrong is said before the first image is built."""
    signs = signer(given.key, keyless=given.keyless)
    build = Build(commit.released(dirty=given.dirty), version.current(), datetime.now(UTC))
    if os.geteuid() != 0:
        raise CommandFailed("images are built as root")
    for name, digest in publish(given.registry, build, signs).items():
        print(f"{given.registry}/{name}@{digest}")
    return 0


def _verify(given: argparse.Namespace) -> int:
    wrong = failures(given.registry, given.version, verifier(given.key, given.identity, given.issuer))
    for line in wrong:
        print(f"release: {line}", file=sys.stderr)
    if not wrong:
        print(f"medinfer {given.version} in {given.registry} is whole and signed")
    return 1 if wrong else 0


def _gather(given: argparse.Namespace) -> int:
    trusted = verifier(given.key, given.identity, given.issuer)
    gather(given.registry, given.version, trusted, given.bundles, given.to)
    return 0


COMMANDS = {"publish": _publish, "verify": _verify, "gather": _gather}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.release", description="medinfer itself, in a registry")
    commands = parser.add_subparsers(dest="command", required=True)
    publishing = commands.add_parser("publish", help="build, push, attest and sign images and chart")
    publishing.add_argument("--dirty", action="store_true", help="also where files differ from the commit")
    publishing.add_argument("--keyless", action="store_true", help="sign with the identity of CI's workflow")
    verifying = commands.add_parser("verify", help="check what is in the registry")
    gathering = commands.add_parser("gather", help="write what is in the registry into one archive, for an air gap")
    gathering.add_argument("--to", type=Path, required=True, metavar="ARCHIVE")
    gathering.add_argument("bundles", nargs="*", type=Path, help="of model versions, which go with it")
    for one in (verifying, gathering):
        one.add_argument("--version", default=version.current(), metavar="X.Y.Z")
        one.add_argument("--identity", default="", help="of the workflow that signed, where no key did")
        one.add_argument("--issuer", default=GITHUB, help="of that identity")
    for one in (publishing, verifying, gathering):
        one.add_argument("--registry", default="", help="host and path, as in registry.example.org/medinfer")
        one.add_argument("--key", type=Path, help="cosign's: the private one publishes, the public one verifies")
    return parser


if __name__ == "__main__":
    sys.exit(main())
