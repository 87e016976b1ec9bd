"""The next step of a rollout.

Nothing here talks to a cluster or a clock: a spec, a status and an observation come in, one Decision comes out.

1. REMEMBER compares the status with what is seen, and keeps what would otherwise be lost.
2. JUDGE_CANARY looks for a reason to reject the canary, and ends at the first one. JUDGE_STABLE looks after what was
   promoted.
3. The first of RULES that applies says where the rollout stands.
4. The plan and the routes follow from the status that the rule left behind, and from nothing else.

Order matters for patients. The way back comes before the way forward, and waits for nothing but the acknowledgements
that make it safe to drop a version. The way forward is: verify, load, warm, then publish weight.
"""

from collections.abc import Callable
from dataclasses import replace

from rollout_operator.decide.attempt_trace import follow_traces
from rollout_operator.decide.decision import Decision, conclude, publish, refuse_spec
from rollout_operator.decide.failures import failure_in_force
from rollout_operator.decide.judge import analyses, keep_window, progress, recounts, replica_failures, suspensions
from rollout_operator.decide.remember import bindings, edits, position, proofs, vanished_counts
from rollout_operator.decide.rules import (
    below_floor,
    blocked,
    conflict,
    first_install,
    healthy,
    leaving,
    loading,
    stepping,
    way_back,
)
from rollout_operator.decide.situation import Ruling, Situation
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import InvalidSpec, Spec
from rollout_operator.documents.status import Status

Update = Callable[[Situation], Situation]
CanaryJudge = Callable[[Situation, Release], Situation]
Rule = Callable[[Situation], Ruling | None]

REMEMBER: tuple[Update, ...] = (
    position.find_position,
    bindings.bind_versions,
    bindings.lift_quarantine,
    proofs.note_proofs,
    edits.restart_edited_steps,
    vanished_counts.keep_vanished_counts,
)

JUDGE_CANARY: tuple[CanaryJudge, ...] = (
    replica_failures.judge_replica_failures,
    suspensions.judge_suspensions,
    recounts.restart_counts,
    analyses.assess_canary,
    progress.judge_progress,
)

JUDGE_STABLE: tuple[Update, ...] = (
    keep_window.assess_stable,
    keep_window.forget_previous,
)

RULES: tuple[Rule, ...] = (
    first_install.install_first_version,
    # the way back
    leaving.hold_a_failed_canary,
    leaving.take_back_the_canary,
    healthy.serve_the_wanted_version,
    # what shall not be tried
    below_floor.refuse_below_floor,
    blocked.refuse_a_reused_version,
    blocked.refuse_what_failed,
    # the way on
    way_back.return_to_previous,
    loading.make_room,
    loading.begin,
    loading.load_and_warm,
    stepping.wait_to_step_forward,
    stepping.skip_the_steps,
    stepping.finish_the_step,
    stepping.judge_before_more_traffic,
    stepping.enter_the_next_step,
)


def decide(spec: Spec | InvalidSpec, status: Status, seen: Observation) -> Decision:
    """What to publish and to report next. Pure, and total: it raises nothing for any spec, status and observation.

    `spec`: InvalidSpec when it cannot be read: then stable keeps all traffic and nothing else moves. `status`: as
    last written, or empty; it is a cache, and REMEMBER decides whether it may be believed.
    """
    if isinstance(spec, InvalidSpec):
        return refuse_spec(spec, status, seen)
    untouched = Situation(spec, status, seen)
    ruling = conflict.leave_it_to_the_older_rollout(untouched)
    if ruling:
        return conclude(untouched, ruling, None, None)
    judged = _judge(_apply(REMEMBER, untouched))
    ruling = follow_traces(judged, next(ruling for rule in RULES if (ruling := rule(judged))))
    decided = replace(judged, status=ruling.status)
    return conclude(decided, ruling, *publish(decided))


def _judge(s: Situation) -> Situation:
    for judge in JUDGE_CANARY:
        canary = s.status.canary
        if canary is None or failure_in_force(s, canary):
            break
        s = judge(s, canary)
    return _apply(JUDGE_STABLE, s)


def _apply(updates: tuple[Update, ...], s: Situation) -> Situation:
    for update in updates:
        s = update(s)
    return s
