"""The next step of a rollout.

Nothing here talks to a cluster or a clock: a spec, a status and an observation come in, one Decision comes out. First
the status is settled: is it to be believed, and which verdicts came in? Then the first rule that applies says where the
rollout stands. The plan and the routes follow from that alone.

Order matters for patients. The way back comes before the way forward, and waits for nothing but the acknowledgements
that make it safe to drop a version. The way forward is: verify, load, warm, then publish weight.
"""

from collections.abc import Callable
from dataclasses import replace

from rollout_operator.decide.decision import Decision, conclude, publish, refuse_spec
from rollout_operator.decide.rules import (
    blocked,
    conflict,
    first_install,
    healthy,
    leaving,
    loading,
    stepping,
    way_back,
)
from rollout_operator.decide.settle import (
    bindings,
    edits,
    keep_window,
    position,
    progress,
    proofs,
    recounts,
    replica_failures,
    suspensions,
    verdicts,
)
from rollout_operator.decide.situation import Ruling, Situation
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.spec import InvalidSpec, Spec
from rollout_operator.documents.status import Status

Settling = Callable[[Situation], Situation]
Rule = Callable[[Situation], Ruling | None]

SETTLE: tuple[Settling, ...] = (
    position.settle_position,
    bindings.bind_versions,
    bindings.lift_quarantine,
    proofs.note_proofs,
    edits.restart_edited_steps,
    verdicts.keep_vanished_counts,
    replica_failures.note_replica_failures,
    suspensions.note_a_suspension,
    recounts.count_anew,
    verdicts.assess_canary,
    verdicts.judge_keep_window,
    keep_window.forget_previous,
    progress.judge_progress,
)

RULES: tuple[Rule, ...] = (
    first_install.install_first_version,
    # the way back
    leaving.hold_a_failed_canary,
    leaving.take_back_the_canary,
    healthy.serve_the_wanted_version,
    # what shall not be tried
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
    if isinstance(spec, InvalidSpec):
        return refuse_spec(spec, status, seen)
    untouched = Situation(spec, status, seen)
    ruling = conflict.leave_it_to_the_older_rollout(untouched)
    if ruling:
        return conclude(untouched, ruling, None, None)
    settled = untouched
    for settle in SETTLE:
        settled = settle(settled)
    ruling = next(ruling for rule in RULES if (ruling := rule(settled)))
    decided = replace(settled, status=ruling.status)
    return conclude(decided, ruling, *publish(decided))
