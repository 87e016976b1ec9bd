"""One command: reads the rollout, prints, and with --apply writes."""

import json
import os
import sys
import time
from argparse import Namespace
from pathlib import Path

from rollout_operator.documents.codec import Json

from kubectl_modelrollout import edits
from kubectl_modelrollout.apply import apply
from kubectl_modelrollout.arguments import build_parser
from kubectl_modelrollout.cluster import Cluster
from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.history import render_history
from kubectl_modelrollout.markdown import render_report
from kubectl_modelrollout.plots.draw import draw_plots
from kubectl_modelrollout.release_evidence import find_attempt, release_evidence
from kubectl_modelrollout.rollout import Rollout, parse_rollout
from kubectl_modelrollout.signing import signer
from kubectl_modelrollout.status_view import render_status
from kubectl_modelrollout.watch import Log, Screen, watch

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130


def main() -> int:
    """The exit status: 0, 1 for a failed release, 2 for a Problem, 130 when interrupted (see STATUSES in arguments)."""
    options = build_parser().parse_args()
    try:
        cluster = Cluster(options.kubeconfig, options.context, options.namespace)
        status = COMMANDS[options.verb](cluster, options)
        sys.stdout.flush()
        return status
    except Problem as error:
        print(f"kubectl modelrollout: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as of `| head`; what Python flushes at its end must not complain again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def _status(cluster: Cluster, options: Namespace) -> int:
    if options.watch:
        rollout = _watch(cluster, options)
    else:
        rollout = _read(cluster, options.name)
        print(render_status(rollout, int(time.time()), _ink()))
    return FAILED if rollout.is_stalled else 0


def _watch(cluster: Cluster, options: Namespace) -> Rollout:
    """Of one rollout, even if others join it in the namespace."""
    name = _read(cluster, options.name).name
    view = (Screen if sys.stdout.isatty() else Log)(_ink(), _write)
    return watch(lambda: _read(cluster, name), view, time.time, time.sleep, options.timeout)


def _history(cluster: Cluster, options: Namespace) -> int:
    print(render_history(_read(cluster, options.name), int(time.time()), _ink()))
    return 0


def _report(cluster: Cluster, options: Namespace) -> int:
    rollout = _read(cluster, options.name)
    attempt = find_attempt(rollout, options.version)
    evidence = release_evidence(rollout, attempt, int(time.time()))
    folder = Path(options.output or f"{rollout.name}-{attempt.release}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plots = _plots(evidence, folder)
        (folder / "report.json").write_text(json.dumps(evidence, indent=2) + "\n")
        (folder / "report.md").write_text(render_report(evidence, plots))
    except OSError as error:
        raise Problem(f"--output {folder}: {error.strerror or error}") from None
    for name in ("report.md", "report.json", *plots):
        print(folder / name)
    return 0


def _plots(evidence: Json, folder: Path) -> tuple[str, ...]:
    """A report without pictures is still a report."""
    try:
        return draw_plots(evidence, folder)
    except Problem as error:
        print(f"no plots: {error}", file=sys.stderr)
        return ()


def _approve(cluster: Cluster, options: Namespace) -> int:
    sign = signer(options.sign) if options.sign else None
    body = cluster.find_rollout(options.name)
    edit = edits.approve(parse_rollout(body), options.gate, options.by, int(time.time()), sign)
    return _edit(cluster, options, body, edit)


def _abort(cluster: Cluster, options: Namespace) -> int:
    body = cluster.find_rollout(options.name)
    return _edit(cluster, options, body, edits.abort(parse_rollout(body)))


def _edit(cluster: Cluster, options: Namespace, body: Json, edit: edits.Edit) -> int:
    print(edit.lines)
    if options.apply:
        if not apply(cluster, body, edit):
            print("# the next release with helm may end with a conflict; then add --force-conflicts", file=sys.stderr)
        print(f"# written: {edit.meaning}. Commit these lines too, or the next sync takes them back.", file=sys.stderr)
    else:
        print("# nothing was written: commit these lines, or run this again with --apply", file=sys.stderr)
    return 0


def _read(cluster: Cluster, name: str | None) -> Rollout:
    return parse_rollout(cluster.find_rollout(name))


def _ink() -> Colors:
    """See no-color.org."""
    return Colors(sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def _write(text: str) -> None:
    print(text, end="", flush=True)


COMMANDS = {"status": _status, "report": _report, "approve": _approve, "abort": _abort, "history": _history}
