"""The commands push and resolve."""

import argparse
from pathlib import Path

from modelctl.bundle.oci import reference

_LOGIN = (
    "Passwords come from MODELCTL_USERNAME and MODELCTL_PASSWORD, or from what docker login wrote "
    "($DOCKER_CONFIG/config.json, else ~/.docker/config.json). They are sent over TLS alone."
)


def add_push(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    push = commands.add_parser(
        "push",
        help="bring a bundle into a registry; prints the lines for a ModelRollout",
        description="Verifies the bundle, pushes it as the one layer of an artifact, and prints the uri and digest "
        "that a ModelRollout takes. A signature beside it (BUNDLE.sig) goes along. What the registry has is not sent "
        f"again. {_LOGIN}",
    )
    push.add_argument("bundle", type=Path, help="a .tar file that modelctl pack wrote")
    push.add_argument("to", metavar="oci://HOST/REPOSITORY[:TAG]", help="default for TAG: the version's number")
    push.add_argument("--operator-domain", action="append", default=[], metavar="DOMAIN", help="as for modelctl verify")
    _add_connection(push)
    push.set_defaults(run=_push)


def add_resolve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    resolve = commands.add_parser(
        "resolve",
        help="find the digest of a bundle in a registry; prints the lines for a ModelRollout",
        description="Reads the manifest that a tag means now, and prints the uri and digest that a ModelRollout takes. "
        f"{_LOGIN}",
    )
    resolve.add_argument("at", metavar="oci://HOST/REPOSITORY:TAG", help="a tag or a digest")
    _add_connection(resolve)
    resolve.set_defaults(run=_resolve)


def _add_connection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ca", type=Path, metavar="FILE", help="PEM file of authorities, in place of the system's")
    command.add_argument("--plain-http", action="store_true", help="no TLS; then no password is sent either")


def _push(options: argparse.Namespace) -> None:
    from modelctl.registry import login
    from modelctl.registry.client import Client, Trust
    from modelctl.registry.push import push

    to = reference.parse(options.to)
    client = Client(to, login.find(to), Trust(options.ca, options.plain_http))
    _print(*push(options.bundle, to, client, tuple(options.operator_domain)))


def _resolve(options: argparse.Namespace) -> None:
    from modelctl.registry import login
    from modelctl.registry.client import Client, Trust
    from modelctl.registry.push import resolve

    at = reference.parse(options.at)
    _print(*resolve(at, Client(at, login.find(at), Trust(options.ca, options.plain_http))))


def _print(uri: str, digest: str) -> None:
    print(f"uri: {uri}\ndigest: {digest}")
