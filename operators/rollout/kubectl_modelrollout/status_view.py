"""`kubectl modelrollout status` as text."""

from rollout_operator.decide.conditions import ARTIFACT_VERIFIED
from rollout_operator.decide.report import ReplicaState
from rollout_operator.documents.assessment import Measurement, Verdict
from rollout_operator.documents.release import Release

from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.hints import next_moves
from kubectl_modelrollout.measurements import HEADING, cells, in_words
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.step_list import steps
from kubectl_modelrollout.table import duration, short, table

BAR = 20
REPLICAS_SHOWN = 12  # those that are not warm come first


def render_status(rollout: Rollout, now: int, colors: Colors) -> str:
    """Sections with nothing in them are left out. `now`: seconds since 1970."""
    sections = (_heading, _versions, _signature, steps, _replicas, _analysis, _conditions, _failure, _next)
    return "\n\n".join(text for section in sections if (text := section(rollout, now, colors)))


def _heading(rollout: Rollout, now: int, colors: Colors) -> str:
    phase = rollout.reported.phase
    paint = colors.good if rollout.is_ready else colors.bad if rollout.is_stalled else colors.waits
    where = f"{colors.strong(rollout.name)} in {rollout.namespace}"
    if not phase:
        return f"{where}: no status yet; check that the operator runs"
    failure = rollout.status.last_failure
    shown_below = f": {failure.message}" if failure and rollout.is_stalled else ""
    message = in_words(rollout.reported.message.replace(shown_below, "", 1), rollout.labels)
    return f"{where}: {paint(phase)}\n{message}".rstrip()


def _versions(rollout: Rollout, now: int, colors: Colors) -> str:
    status, reported = rollout.status, rollout.reported
    found: list[tuple[str, Release | None, int | None]] = [
        ("stable", status.stable, reported.stable.weight),
        ("canary", status.canary, reported.canary.weight),
        ("previous", status.previous, None),
    ]
    rows = [(role, str(one), short(one.digest), *_share(weight, colors)) for role, one, weight in found if one]
    wanted = rollout.spec.wanted if rollout.spec else None
    if wanted and wanted not in (status.stable, status.canary, status.previous):
        rows.append(("wanted", str(wanted), short(wanted.digest), "", "not loaded"))
    return colors.strong("VERSIONS") + "\n" + table(rows) if rows else ""


def _signature(rollout: Rollout, now: int, colors: Colors) -> str:
    found = rollout.condition(ARTIFACT_VERIFIED)
    if found is None:
        return ""
    paint = {"True": colors.good, "False": colors.bad}.get(found.status, colors.faint)
    return f"{colors.strong('SIGNATURE')}  {paint(found.reason)}: {found.message}"


def _share(weight: int | None, colors: Colors) -> tuple[str, str]:
    """Of the traffic."""
    if weight is None:
        return "", "kept warm"
    full = max(1, round(BAR * weight / 100)) if weight else 0
    return f"{weight:>3} %", "█" * full + colors.faint("░" * (BAR - full))


def _replicas(rollout: Rollout, now: int, colors: Colors) -> str:
    states = rollout.reported.replica_states
    heading = ("NAME", "VERSION", "STATE", "WARM-UP P50", "P95", "GOLDEN", "")
    rows = [_replica(one, colors) for one in states[:REPLICAS_SHOWN]]
    left = len(states) - len(rows)
    more = f"\n  and {left} more" if left else ""
    title = f"{colors.strong('REPLICAS')}  {rollout.reported.warm} warm\n"
    return title + table(rows, [colors.faint(cell) for cell in heading]) + more if rows else ""


def _replica(one: ReplicaState, colors: Colors) -> tuple[str, ...]:
    paint = {"Warm": colors.good, "Failed": colors.bad}.get(one.state, colors.waits)
    why = f"{one.reason}: {one.message}" if one.message else one.reason
    remark = why or ("" if one.settled is not False else "latency had not settled")
    p50, p95 = (f"{ms:.1f} ms" if ms is not None else "-" for ms in (one.p50_ms, one.p95_ms))
    proof = f"{one.golden}, accepted {one.acceptance}" if one.acceptance else one.golden
    return one.name, f"v{one.version}", paint(one.state), p50, p95, proof or "-", remark


def _analysis(rollout: Rollout, now: int, colors: Colors) -> str:
    analysis, spec = rollout.status.analysis, rollout.spec
    if analysis.last is None:
        return ""
    verdict = _paint(analysis.last.verdict, str(analysis.last.verdict), colors)
    said = f"{colors.strong('ANALYSIS')}  {verdict}"
    said += (
        f" {duration(now - analysis.assessed_at)} ago" if analysis.assessed_at is not None else ", the last one made"
    )
    if spec and analysis.assessed_at is not None:
        said += f"; {analysis.failures} failed in a row, {spec.analysis.failure_limit} end the rollout"
    rows = [_measurement(one, rollout.labels, colors) for one in analysis.last.measurements]
    return f"{said}\n" + table(rows, [colors.faint(cell) for cell in HEADING])


def _measurement(one: Measurement, labels: tuple[str, ...], colors: Colors) -> tuple[str, ...]:
    *numbers, verdict = cells(one, labels)
    return (*numbers, _paint(one.verdict, verdict, colors))


def _paint(verdict: Verdict, text: str, colors: Colors) -> str:
    return {Verdict.PASSED: colors.good, Verdict.FAILED: colors.bad, Verdict.NOT_JUDGED: colors.faint}.get(
        verdict, colors.waits
    )(text)


def _conditions(rollout: Rollout, now: int, colors: Colors) -> str:
    rows = [
        (one.type, one.status, one.reason, f"for {duration(now - one.last_transition_time)}")
        for one in rollout.status.conditions
    ]
    return colors.strong("CONDITIONS") + "\n" + table(rows) if rows else ""


def _failure(rollout: Rollout, now: int, colors: Colors) -> str:
    failure = rollout.status.last_failure
    if failure is None:
        return ""
    where = f" at {failure.location}" if failure.location else ""
    message = in_words(failure.message, rollout.labels).replace("; ", ";\n    ")
    title = f"{colors.strong('LAST FAILURE')}  {failure.release} {failure.outcome} {duration(now - failure.time)} ago"
    return f"{title}\n  {colors.bad(failure.reason)}{where}: {message}".rstrip(": ")


def _next(rollout: Rollout, now: int, colors: Colors) -> str:
    lines = list(next_moves(rollout))
    return "\n  ".join((colors.strong("NEXT"), *lines)) if lines else ""
