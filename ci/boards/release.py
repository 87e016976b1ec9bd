"""One release: where it stands, and how the canary does beside stable."""

from ci.boards.board import Board, Row
from ci.boards.panel import Kind, Panel, Query, Unit
from ci.boards.queries import OF_ROLLOUT, most, quantile, rate, selected, total

_ROLLOUT = 'rollout=~"$rollout"'
# Which role each version has: 1, with the labels version and role. The version before is stable again after a rollback.
_ROLES = f'clamp_max(count_values by (role) ("version", medinfer_rollout_version{{{OF_ROLLOUT}, role!="previous"}}), 1)'


def _by_role(numbers_by_version: str) -> str:
    return f"({numbers_by_version}) * on (version) group_left (role) {_ROLES}"


_REQUESTS = rate("inference_api_requests_total", "version")
_BAD = rate("inference_api_requests_total", "version", 'outcome=~"failed|fallback"')
_DISAGREED = rate("inference_api_shadow_copies_total", "", 'result="disagreed"')
_COMPARED = rate("inference_api_shadow_copies_total", "", 'result=~"agreed|disagreed"')

_STANDING = Row(
    "Where it stands",
    (
        Panel(
            "Phase",
            Unit.NUMBER,
            "The phase of the rollout. Paused waits for a person.",
            (Query(f"{most('medinfer_rollout_phase', 'rollout, phase', _ROLLOUT)} == 1", "{{rollout}} {{phase}}"),),
            ("MedinferReleaseFailed", "MedinferReleaseWaits"),
            kind=Kind.STATES,
            width=24,
        ),
        Panel(
            "Weight of the canary",
            Unit.PERCENT,
            "The share of the traffic that the operator gives to the canary.",
            (Query(most("medinfer_rollout_canary_weight_percent", "rollout", _ROLLOUT), "{{rollout}}"),),
        ),
        Panel(
            "Step",
            Unit.NUMBER,
            "Index of the step in the rollout's list; -1 before the first.",
            (Query(most("medinfer_rollout_step", "rollout", _ROLLOUT), "{{rollout}}"),),
        ),
        Panel(
            "Versions",
            Unit.NUMBER,
            "The version in each role.",
            (Query(most("medinfer_rollout_version", "rollout, role", _ROLLOUT), "{{rollout}} {{role}}"),),
        ),
        Panel(
            "Warm replicas",
            Unit.NUMBER,
            "Replicas that hold the canary warm, and that shall; of stable when there is no canary.",
            (
                Query(most("medinfer_rollout_warm_replicas", "rollout", _ROLLOUT), "{{rollout}} warm"),
                Query(most("medinfer_rollout_wanted_replicas", "rollout", _ROLLOUT), "{{rollout}} wanted"),
            ),
            ("MedinferReplicaNotWarm",),
        ),
        Panel(
            "Approvals and quarantine",
            Unit.NUMBER,
            "Steps of this try that a person approved, and versions that are not tried again.",
            (
                Query(most("medinfer_rollout_approved_steps", "rollout", _ROLLOUT), "{{rollout}} approved"),
                Query(most("medinfer_rollout_quarantined_versions", "rollout", _ROLLOUT), "{{rollout}} quarantined"),
            ),
            ("MedinferReleaseWaits",),
        ),
        Panel(
            "Ready and available",
            Unit.YES_NO,
            "ready: the wanted version is live. available: patients are served.",
            (
                Query(most("medinfer_rollout_ready", "rollout", _ROLLOUT), "{{rollout}} ready"),
                Query(most("medinfer_rollout_available", "rollout", _ROLLOUT), "{{rollout}} available"),
            ),
            ("MedinferUnavailable",),
        ),
    ),
)

_BESIDE = Row(
    "Canary beside stable",
    (
        Panel(
            "Requests",
            Unit.REQUESTS_PER_SECOND,
            "Requests by the role of the version that was chosen.",
            (Query(_by_role(_REQUESTS), "{{role}} {{version}}"),),
            stacked=True,
        ),
        Panel(
            "Errors",
            Unit.SHARE,
            "Share of the requests that the chosen version did not answer well.",
            (Query(_by_role(f"{_BAD} / {_REQUESTS}"), "{{role}} {{version}}"),),
        ),
        Panel(
            "p95",
            Unit.SECONDS,
            "95 % of the answers were faster.",
            (
                Query(
                    _by_role(quantile(0.95, "inference_api_request_duration_seconds", "version")),
                    "{{role}} {{version}}",
                ),
            ),
        ),
        Panel(
            "Confidence",
            Unit.SHARE,
            "Half of the answers were less sure than this.",
            (Query(_by_role(quantile(0.5, "inference_api_confidence", "version")), "{{role}} {{version}}"),),
        ),
        Panel(
            "Shadow copies",
            Unit.OPERATIONS_PER_SECOND,
            "Copies of requests that the canary answered to nobody, by their result.",
            (Query(rate("inference_api_shadow_copies_total", "result"), "{{result}}"),),
        ),
        Panel(
            "Disagreement",
            Unit.SHARE,
            "Share of the compared copies in which the canary named something else than stable.",
            (Query(f"{_DISAGREED} / {_COMPARED}", "disagree"),),
        ),
        Panel(
            "Gates: measured / limit",
            Unit.SHARE,
            "What the last analysis measured, as a share of its limit. Above 100 % the step does not pass.",
            (
                Query(
                    f"{most('medinfer_rollout_gate_value', 'rollout, gate', _ROLLOUT)} / "
                    f"({most('medinfer_rollout_gate_limit', 'rollout, gate', _ROLLOUT)} > 0)",
                    "{{rollout}} {{gate}}",
                ),
            ),
            ("MedinferReleaseFailed",),
        ),
        Panel(
            "In flight by version",
            Unit.NUMBER,
            "Requests and copies that may still reach a version. It is dropped only when nothing does.",
            (Query(total("inference_api_in_flight", "version"), "{{version}}"),),
        ),
        Panel(
            "Workers that suspend the canary",
            Unit.NUMBER,
            "A connection broke while the canary answered. The second time in one try it is rolled back.",
            (Query(total("inference_api_canary_suspended_workers"), "workers"),),
        ),
        Panel(
            "Routes",
            Unit.NUMBER,
            "Routes that workers put in force or refused, in the last 5 minutes.",
            (
                Query(f"sum (increase({selected('inference_api_swaps_total')}[5m]))", "in force"),
                Query(f"sum (increase({selected('inference_api_rejected_total')}[5m]))", "refused"),
            ),
        ),
    ),
)

RELEASE = Board(
    "release",
    "medinfer: release",
    "Where a release stands, and how the canary does beside stable.",
    (_STANDING, _BESIDE),
    has_rollouts=True,
)
