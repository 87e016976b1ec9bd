"""The rollout operator: who leads, and what keeps it from working."""

from ci.boards.board import Board, Row
from ci.boards.panel import Panel, Query, Unit
from ci.boards.queries import most, quantile, rate, selected, total

_RECONCILE = "medinfer_operator_reconcile_seconds"

_WORK = Row(
    "Work",
    (
        Panel(
            "Leaders",
            Unit.NUMBER,
            "Operators that hold the Lease. Without one no release makes progress; predictions continue.",
            (Query(total("medinfer_operator_leads", "namespace"), "{{namespace}}"),),
            ("MedinferNobodyLeads",),
        ),
        Panel(
            "Errors by reason",
            Unit.OPERATIONS_PER_SECOND,
            "Reconciles that ended early. A Conflict is harmless: it is tried again.",
            (Query(rate("medinfer_operator_errors_total", "reason"), "{{reason}}"),),
            ("MedinferOperatorErrors",),
        ),
        Panel(
            "Reconciles",
            Unit.OPERATIONS_PER_SECOND,
            "Reconciles of all rollouts.",
            (Query(rate(f"{_RECONCILE}_count"), "reconciles"),),
        ),
        Panel(
            "Time of a reconcile",
            Unit.SECONDS,
            "One reconcile of one rollout, writes included.",
            tuple(Query(quantile(share, _RECONCILE), f"p{share * 100:g}") for share in (0.5, 0.99)),
        ),
    ),
)

_ROLLOUTS = Row(
    "Rollouts",
    (
        Panel(
            "Rollouts by phase",
            Unit.NUMBER,
            "How many rollouts are in each phase.",
            (Query(f"count by (phase) ({selected('medinfer_rollout_phase')} == 1)", "{{phase}}"),),
            ("MedinferReleaseFailed", "MedinferReleaseWaits"),
            stacked=True,
        ),
        Panel(
            "Available",
            Unit.YES_NO,
            "Whether the patients of each rollout are served.",
            (Query(most("medinfer_rollout_available", "namespace, rollout"), "{{namespace}}/{{rollout}}"),),
            ("MedinferUnavailable",),
        ),
        Panel(
            "Quarantined versions",
            Unit.NUMBER,
            "Versions whose bytes failed and are not tried again before spec.retry changes.",
            (Query(most("medinfer_rollout_quarantined_versions", "namespace, rollout"), "{{namespace}}/{{rollout}}"),),
        ),
    ),
)

_TRACES = Row(
    "Traces of releases",
    (
        Panel(
            "Spans of the operator",
            Unit.OPERATIONS_PER_SECOND,
            "What became of its spans. None are sent where no collector is set; dropped: it was away for long.",
            (Query(rate("medinfer_operator_trace_spans_total", "result"), "{{result}}"),),
        ),
        Panel(
            "Spans of the agents",
            Unit.OPERATIONS_PER_SECOND,
            "What became of their spans. None are sent where no collector is set; dropped: it was away for long.",
            (Query(rate("medinfer_agent_trace_spans_total", "result"), "{{result}}"),),
        ),
    ),
)

_ROWS = (_WORK, _ROLLOUTS, _TRACES)
OPERATOR = Board("operator", "medinfer: operator", "Who leads, and what keeps releases back.", _ROWS)
