"""How long an idle connection is kept, on both of its ends."""

import re

import pytest
from replica_agent import main as agent
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS
from rollout_operator.edge.pod_client import KEEP_SECONDS

from ci.stack.folders import ROOT

GUNICORN = (ROOT / "services" / "api" / "gunicorn.conf.py").read_text()
API_KEEP_SECONDS = int(re.findall(r"^keepalive = (\d+)", GUNICORN, re.MULTILINE)[0])


@pytest.mark.parametrize("server_seconds", [agent.KEEP_SECONDS, API_KEEP_SECONDS], ids=["agent", "API"])
def test_the_operator_keeps_it_until_its_next_look_and_closes_it_first(server_seconds: float) -> None:
    assert IDLE_REQUEUE_SECONDS < KEEP_SECONDS < server_seconds
