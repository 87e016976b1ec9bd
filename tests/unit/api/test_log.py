"""The API's log stands apart from the audit stream."""

import os
import subprocess
import sys

import pytest

from tests.unit.docs.reasons import ROOT

LOG = (
    "import logging.config, runpy;"
    "logging.config.dictConfig(runpy.run_path('services/api/gunicorn.conf.py')['logconfig_dict']);"
    "logging.getLogger('inference_api').info('said')"
)
AUDIT = {"AUDIT_MODE": "required", "AUDIT_KEY_FILE": "key"}


@pytest.mark.parametrize(
    ("settings", "apart"),
    [
        pytest.param(AUDIT, True, id="on-standard-output"),
        pytest.param(AUDIT | {"AUDIT_FILE": "audit.jsonl"}, False, id="in-a-file"),
    ],
)
def test_it_goes_to_standard_error_where_audit_lines_have_standard_output(
    settings: dict[str, str], apart: bool
) -> None:
    environment = {f"MEDINFER_API_{name}": value for name, value in settings.items()}
    environment |= {"MEDINFER_API_ROUTES_FILE": "routes.json", "PATH": os.environ["PATH"]}
    ended = subprocess.run(
        [sys.executable, "-c", LOG], check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert ("said" in ended.stdout, "said" in ended.stderr) == (not apart, apart)
