"""Texts that say how often a request is tried say the number that the code uses."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from inference_api import problems
from inference_api.main import create_app
from inference_api.prediction.attempts import STABLE_ATTEMPTS
from inference_api.settings import Settings

from ci.stack.folders import ROOT


def in_the_problem() -> str:
    return problems.model_failed(STABLE_ATTEMPTS).detail


def in_the_openapi_document() -> str:
    document = create_app(Settings(routes_file=Path("routes.json"))).public.openapi()
    return str(document["paths"]["/predict"]["post"]["responses"]["502"]["description"])


def in_the_runbook() -> str:
    (row,) = re.findall(r"^\| `model-failed` \|.*$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    return str(row)


@pytest.mark.parametrize("text", [in_the_problem, in_the_openapi_document, in_the_runbook])
def test_a_text_says_the_number(text: Callable[[], str]) -> None:
    assert f"on {STABLE_ATTEMPTS} replicas" in text()
