"""The edits of the spec that a person commits: one approval, or the way back to stable."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rollout_operator.decide.evidence import stages
from rollout_operator.documents.codec import Json, dump, format_time
from rollout_operator.documents.spec import Approval, Spec
from rollout_operator.documents.status import Attempt
from rollout_operator.documents.step_kinds import Step

from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.rollout import Rollout, readable_spec
from kubectl_modelrollout.signing import Sign
from kubectl_modelrollout.step_list import showed


@dataclass(frozen=True)
class Edit:
    """`lines`: YAML to commit, with the reasons as comments; `change`: the same as a merge patch of the spec."""

    meaning: str
    lines: str
    change: Json


def approve(rollout: Rollout, gate: str, by: str, now: int, sign: Sign | None = None) -> Edit:
    """The line in spec.approvals that opens `gate` for the wanted version and its bytes; signed at `now` with `sign`.

    Raises Problem when the spec has no such gate, when it is open already, and when `by` is empty. A signed line is
    also written beside others: which of them open the gate, only the operator knows.
    """
    spec = readable_spec(rollout)
    gates = {step.kind.gate_name: step for step in spec.steps if step.kind.gate_name}
    if gate not in gates:
        raise Problem(f"{rollout.name} has no gate {gate}; its gates: {', '.join(gates) or 'none'}")
    if not by.strip():
        raise Problem("--by: write who approves")
    given = next(iter(spec.approvals_of(gates[gate])), None)
    if given and sign is None:
        advice = "; it does not open the gate: sign one with --sign KEY" if rollout.awaits_approval else ""
        raise Problem(f"gate {gate} of {spec.wanted} is approved already, by {given.by}{advice}")
    approval = Approval(gate, spec.wanted.version, spec.wanted.digest, by.strip())
    if sign:
        approval = replace(approval, time=format_time(now))
        approval = replace(approval, signature=sign(spec.statement_of(approval).content))
    lines = [f"{key}: {_quoted(value)}" for key, value in dump(approval).items()]
    yaml = ["spec:", "  approvals:", f"    - {lines[0]}", *(f"      {line}" for line in lines[1:])]
    every = [dump(one) for one in (*spec.approvals, approval)]
    meaning = f"gate {gate} is approved for {spec.wanted}"
    return Edit(meaning, _text(_reasons_to_approve(rollout, spec, gates[gate]), yaml), {"approvals": every})


def abort(rollout: Rollout) -> Edit:
    """Version and artifact of stable, in place of the wanted ones. Raises Problem when there is nothing to abort."""
    spec, stable = readable_spec(rollout), rollout.status.stable
    if stable is None:
        raise Problem(f"no version of {rollout.name} is stable yet: there is none to go back to")
    if spec.wanted == stable:
        kept = rollout.status.previous
        back = f"; to go back to {kept}, which is still warm, commit its version and artifact" if kept else ""
        raise Problem(f"{stable} is stable and wanted: there is nothing to abort{back}")
    artifact = {"uri": stable.uri, "digest": stable.digest}
    lines = [f"    {key}: {_quoted(value)}" for key, value in artifact.items()]
    yaml = ["spec:", f"  version: {stable.version}", "  artifact:", *lines]
    why = (
        f"{rollout.name}: {spec.wanted} loses its traffic at once and is dropped; {stable} serves on.",
        f"In git, put these lines of {stable} in the place of those of {spec.wanted}.",
    )
    change: Json = {"version": stable.version, "artifact": artifact}
    return Edit(f"{spec.wanted} is aborted, {stable} keeps all traffic", _text(why, yaml), change)


def _reasons_to_approve(rollout: Rollout, spec: Spec, gate: Step) -> Iterator[str]:
    yield f"{rollout.name}: opens {gate} for {spec.wanted} and these bytes, and for no other release."
    index = spec.steps.index(gate)
    is_there = rollout.status.current_step_index == index
    where = f"step {index + 1}/{len(spec.steps)}"
    yield (
        f"{spec.wanted} waits there now, at {where}." if is_there else f"{spec.wanted} is not there now: it is {where}."
    )
    yield from (f"Seen: {line}." for line in _seen(rollout.wanted_attempt))
    yield "In git, add this entry to spec.approvals."


def _seen(attempt: Attempt | None) -> Iterator[str]:
    if attempt is None:
        return
    matched = [one for one in attempt.replicas if len(set(one.golden.split("/"))) == 1]
    if attempt.replicas:
        yield f"golden outputs matched on {len(matched)} of {len(attempt.replicas)} replicas"
    for steps in stages(attempt.steps):
        yield f"{steps[0].name}: {showed(steps[0])}"


def _text(comments: Iterator[str] | tuple[str, ...], yaml: list[str]) -> str:
    return "\n".join((*(f"# {line}" for line in comments), *yaml))


def _quoted(value: object) -> str:
    """JSON is YAML."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
