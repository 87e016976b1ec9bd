"""modelctl keys mint, revoke and list."""

import argparse
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modelctl.keys import document as documents
from modelctl.keys import key
from modelctl.keys.document import InvalidAccess, Json

_DESCRIPTION = """Edits the access document, which says who may ask the API, by which keys and for what. The document
holds only the SHA-256 of each key."""
_EPILOG = """\
Nothing here reaches a cluster. Put the document into the Secret of the chart's value api.auth.secretName:
  kubectl -n medinfer create secret generic medinfer-access --from-file=access.json --dry-run=client -o yaml \\
    | kubectl apply -f -
API pods follow within two minutes, without a restart. To replace a key without a refused request: mint a second one,
apply, give it to the client, wait until the client uses it, revoke the first, apply."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command `keys` to modelctl's."""
    keys = commands.add_parser(
        "keys",
        help="make, revoke and list the keys of the API's clients",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    _add_mint(actions)
    _add_revoke(actions)
    listing = actions.add_parser("list", help="show clients and keys", description="Shows each key by its id.")
    _add_document(listing)
    listing.set_defaults(run=_list)


def _add_document(action: argparse.ArgumentParser) -> None:
    action.add_argument("document", type=Path, help="the access document, such as access.json")


def _add_mint(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    mint = actions.add_parser(
        "mint",
        help="make a key for a client",
        description="Prints the key, once: only its SHA-256 is kept. Makes document and client if they are not there. "
        "What is said of an existing client replaces what the document said.",
    )
    _add_document(mint)
    mint.add_argument("client", help="the client's name: lower-case letters, digits, '-' and '.'")
    mint.add_argument("--expires", metavar="WHEN", help="365d, 12h or 2027-01-31T00:00:00Z; default: never")
    mint.add_argument("--not-before", metavar="WHEN", help="the same; default: at once")
    mint.add_argument(
        "--scope",
        action="append",
        choices=documents.SCOPES,
        help="what the client may do; may be repeated; default for a new client: all",
    )
    mint.add_argument("--priority", choices=documents.PRIORITIES, help="default for a new client: normal")
    mint.add_argument("--images-per-minute", type=_limit, metavar="N", help="quota; default for a new client: none")
    mint.add_argument("--images-in-flight", type=_limit, metavar="N", help="quota; default for a new client: none")
    mint.add_argument(
        "--canary",
        action=argparse.BooleanOptionalAction,
        help="whether a canary may get the client's images; default for a new client: it may",
    )
    mint.add_argument(
        "--evidence",
        action=argparse.BooleanOptionalAction,
        help="whether releases are judged by the client's requests; default for a new client: they are",
    )
    mint.set_defaults(run=_mint)


def _add_revoke(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    revoke = actions.add_parser(
        "revoke",
        help="remove keys of a client",
        description="Removes keys. The client stays, and its next key has the same rights.",
    )
    _add_document(revoke)
    revoke.add_argument("client", help="the client's name")
    which = revoke.add_mutually_exclusive_group(required=True)
    which.add_argument("--key", metavar="ID", help="the key with this id, which `list` shows")
    which.add_argument("--expired", action="store_true", help="every key that has expired")
    which.add_argument("--all", action="store_true", help="every key")
    revoke.set_defaults(run=_revoke)


def _mint(options: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    made = key.make(os.urandom(key.RANDOM_BYTES))
    entry: Json = {"sha256": key.sha256(made)}
    for field, wanted in (("notBefore", options.not_before), ("expires", options.expires)):
        if wanted is not None:
            entry[field] = documents.text(when(wanted, now))
    if documents.is_expired(entry, now):
        raise InvalidAccess(f"--expires {options.expires} is in the past")
    document = documents.read(options.document)
    documents.mint(document, options.client, _changes(options, document), entry)
    documents.write(document, options.document)
    note = f"{options.client} has the key {key.id(entry['sha256'])}, expires: {entry.get('expires', 'never')}."
    print(f"{note} Keep it now: it is not shown again.", file=sys.stderr)
    print(made)


def _changes(options: argparse.Namespace, document: Json) -> Json:
    asked = {
        "scopes": options.scope,
        "priority": options.priority,
        "canary": options.canary,
        "evidence": options.evidence,
    }
    changes = {field: value for field, value in asked.items() if value is not None}
    limits = {"imagesPerMinute": options.images_per_minute, "imagesInFlight": options.images_in_flight}
    limits = {field: value for field, value in limits.items() if value is not None}
    if limits:
        before = document["clients"].get(options.client, {}).get("quota") or {}
        changes["quota"] = before | limits
    return changes


def _revoke(options: argparse.Namespace) -> None:
    now = datetime.now(UTC)

    def is_revoked(entry: Json) -> bool:
        if options.key is not None:
            return key.id(entry["sha256"]) == str(options.key)
        return bool(options.all) or documents.is_expired(entry, now)

    if not options.document.exists():
        raise InvalidAccess(f"{options.document} does not exist")
    document = documents.read(options.document)
    revoked = documents.revoke(document, options.client, is_revoked)
    documents.write(document, options.document)
    ids = ", ".join(key.id(entry["sha256"]) for entry in revoked)
    print(f"{options.client} has lost {ids}; apply the document to its Secret now")


def _list(options: argparse.Namespace) -> None:
    if not options.document.exists():
        raise InvalidAccess(f"{options.document} does not exist")
    rows = documents.rows(documents.read(options.document), datetime.now(UTC))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def when(text: str, now: datetime) -> datetime:
    """A time, or so many days or hours from now. Raises InvalidAccess."""
    match = re.fullmatch(r"(\d{1,5})([dh])", text)
    if not match:
        return documents.time(text)
    return now + (timedelta(days=int(match[1])) if match[2] == "d" else timedelta(hours=int(match[1])))


def _limit(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)
