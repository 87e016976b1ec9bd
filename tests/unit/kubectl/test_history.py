"""What `history` lists."""

from kubectl_modelrollout.history import render_history
from kubectl_modelrollout.rollout import parse_rollout

from tests.unit.kubectl.rollouts import PLAIN, at_the_gate, body, healthy, lines, rollout, slow
from tests.unit.rollout.healthy_cluster import release
from tests.unit.rollout.simulated_cluster import Cluster


def history(made: Cluster) -> list[str]:
    return lines(render_history(rollout(made), int(made.now), PLAIN))


def test_the_newest_comes_first_and_the_try_in_progress_on_top() -> None:
    made = release(healthy(), 3).run_until("Progressing")
    heading, present, promoted, first = history(made)
    assert heading == "VERSION DIGEST OUTCOME REASON STARTED TOOK REQUESTS ERRORS"
    assert present.startswith("v3 sha256:000000000000 in progress - 1970-01-12T")
    assert promoted == "v2 sha256:000000000000 Promoted Promoted 1970-01-12T13:46:45Z 19s 396 0"
    assert first.startswith("v1 sha256:000000000000 Promoted FirstInstall ")


def test_a_failure_has_its_reason_and_its_numbers() -> None:
    assert history(slow())[1] == "v2 sha256:000000000000 RolledBack AnalysisFailed 1970-01-12T13:46:45Z 15s 42 0"


def test_of_a_try_in_progress_the_ended_steps_count() -> None:
    made = release(healthy(), 3).run_until("Promoting")
    before = [line for line in history(made) if line.startswith("v3")]
    assert before[0].split()[-2:] == ["396", "0"]
    assert history(at_the_gate())[1].split()[-2:] == ["0", "0"]


def test_before_the_first_release_there_is_nothing() -> None:
    seen = parse_rollout(body(healthy()) | {"status": {}})
    assert render_history(seen, 0, PLAIN) == "resnet-medical in clinic: no release yet"
