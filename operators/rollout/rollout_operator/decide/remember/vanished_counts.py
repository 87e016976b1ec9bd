"""Counts of API processes that are gone."""

from dataclasses import replace

from rollout_operator.decide.situation import Situation
from rollout_operator.decide.step_totals import newly_vanished
from rollout_operator.documents.counters import total


def keep_vanished_counts(s: Situation) -> Situation:
    """An API pod that ended takes its counters along: what it last reported of this step goes into the status."""
    gone = newly_vanished(s.status, s.seen)
    if not gone.samples:
        return s
    kept = replace(s.status.analysis, vanished=total((s.status.analysis.vanished, gone)))
    return s.becomes(replace(s.status, analysis=kept))
