"""The command line."""

import argparse

PROG = "kubectl modelrollout"
EXAMPLES = {
    "status": (
        ("status", "the only ModelRollout of the namespace"),
        ("status resnet-medical -n clinic --watch", "live, until it is ready or has failed"),
        ("status --watch --timeout 3600", "as a step of CI"),
    ),
    "report": (
        ("report", "the last release, into NAME-vVERSION/"),
        ("report resnet-medical --version 2 --output evidence", ""),
    ),
    "approve": (
        ("approve --gate clinical-signoff --by you@example.org", "lines for git"),
        ("approve --gate clinical-signoff --by you@example.org --apply", "and written"),
        ("approve --gate clinical-signoff --by you@example.org --sign ~/.ssh/id_ed25519", "signed"),
    ),
    "abort": (("abort", "lines for git"), ("abort --apply", "and written")),
    "history": (("history resnet-medical -n clinic", ""),),
}
VERBS = {
    "status": "where the release stands, what it waits for, what failed and what to do",
    "report": "write the evidence for one release: report.md, report.json, plots",
    "approve": "print the lines that approve a gate; with --apply, write them",
    "abort": "print the lines that go back to the stable version; with --apply, write them",
    "history": "the releases that were tried, newest first",
}
STATUSES = """exit status:
  0  done; of status: ready, or (without --watch) under way
  1  status only: the release failed (RolledBack, Held, Blocked)
  2  it could not be done; one line says why
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `kubectl modelrollout`; `verb` in its result names the command."""
    style = argparse.RawDescriptionHelpFormatter
    every = tuple(line for lines in EXAMPLES.values() for line in lines[:1])
    parser = argparse.ArgumentParser(PROG, epilog=_examples(every) + "\n\n" + STATUSES, formatter_class=style)
    parser.description = "Follows, approves, aborts and documents releases of model versions."
    _add_cluster(parser, default=None)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    added = {
        verb: verbs.add_parser(
            verb,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=_examples(EXAMPLES[verb]) + "\n\n" + STATUSES,
            parents=[_common()],
            formatter_class=style,
        )
        for verb, what in VERBS.items()
    }
    added["status"].add_argument("-w", "--watch", action="store_true", help="live, until it is ready or has failed")
    added["status"].add_argument(
        "--timeout", type=float, metavar="SECONDS", help="with --watch: longest time until then; default: none"
    )
    added["report"].add_argument("--version", type=int, metavar="N", help="default: the last one that was tried")
    added["report"].add_argument("--output", metavar="DIR", help="default: NAME-vVERSION")
    added["approve"].add_argument("--gate", required=True, metavar="GATE", help="its name in the steps")
    added["approve"].add_argument("--by", required=True, metavar="WHO", help="who approves; kept in the report")
    added["approve"].add_argument(
        "--sign", metavar="KEY", help="file of your SSH key, or of the public half of one that ssh-agent holds"
    )
    for verb in ("approve", "abort"):
        added[verb].add_argument("--apply", action="store_true", help="write it to the cluster as well")
    return parser


def _examples(lines: tuple[tuple[str, str], ...]) -> str:
    width = max(len(command) for command, _ in lines)
    shown = [f"  {PROG} {command:<{width}}  {'# ' + why if why else ''}".rstrip() for command, why in lines]
    return "\n".join(("examples:", *shown))


def _common() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("name", nargs="?", metavar="NAME", help="not needed when the namespace has only one")
    _add_cluster(parser, default=argparse.SUPPRESS)
    return parser


def _add_cluster(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Before or after the command; SUPPRESS leaves what was said before it."""
    parser.add_argument("-n", "--namespace", default=default, help="default: that of the context")
    parser.add_argument("--context", default=default, help="of the kubeconfig; default: the current one")
    parser.add_argument(
        "--kubeconfig", default=default, metavar="FILE", help="default: KUBECONFIG, else ~/.kube/config"
    )
