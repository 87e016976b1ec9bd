"""The words that people look up in the runbook, collected from the code that uses them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from replica_agent.state import Reason
from rollout_operator.documents.status import Outcome, Phase

ROOT = Path(__file__).parents[3]
OPERATOR = ROOT / "operators" / "rollout" / "rollout_operator"
API = ROOT / "services" / "api" / "inference_api"
DECIDING = (
    *(
        "decide/rules/*.py",
        "decide/judge/*.py",
        "decide/remember/*.py",
        "decide/waits.py",
        "decide/failures.py",
        "decide/conditions.py",
        "decide/artifact.py",
    ),
    *("decide/decision.py", "documents/step_kinds.py"),
)
WORD = re.compile(r"(?:[A-Z][a-z]+)+")
# Types and statuses of conditions, which appear next to reasons.
NO_REASONS = {"ArtifactVerified", "Available", "Ready", "Reconciling", "Stalled", "True", "False", "Unknown"}
# Said by `str(phase)`: while a version is loaded, and where a rollout comes to rest.
PHASES_AS_REASONS = {str(Phase.LOADING), str(Phase.HEALTHY)}
# The API's framework refuses these before any code of ours: inference_api.http_problems.
OF_THE_FRAMEWORK = {"not-found", "method-not-allowed", "refused"}


def reasons_of_rollouts() -> set[str]:
    """Reasons of conditions, Events, `lastFailure` and `history`: every CamelCase word in the code that decides."""
    files = [path for pattern in DECIDING for path in sorted(OPERATOR.glob(pattern))]
    words = {word for path in files for word in strings(path) if WORD.fullmatch(word)}
    return (words - NO_REASONS) | {str(one) for one in (*Reason, *Outcome)} | PHASES_AS_REASONS


def kinds_of_problems() -> set[str]:
    """Every `kind` in a call of `Problem(status, kind, ...)` in the API, or of a subclass's `super().__init__`."""
    calls = [node for path in API.rglob("*.py") for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    names = ("Problem", "__init__")
    made = [call.args[1] for call in calls if _called(call) in names and len(call.args) > 2]
    return {kind.value for kind in made if isinstance(kind, ast.Constant) and isinstance(kind.value, str)}


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def errors_of_visits() -> set[str]:
    """The values of `reason` in `medinfer_operator_errors_total`: the error classes, and `Bug`."""
    classes = [
        node.name for node in ast.walk(parsed(OPERATOR / "edge" / "errors.py")) if isinstance(node, ast.ClassDef)
    ]
    return {*classes, "Bug"} - {"NotLeader"}


def strings(path: Path) -> Iterator[str]:
    return (node.value for node in ast.walk(parsed(path)) if isinstance(node, ast.Constant) and type(node.value) is str)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
