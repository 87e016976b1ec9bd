"""The operator's door: environment in, exit status out."""

import sys

import uvloop
from medinfer_common import core_dumps, json_logs

from rollout_operator.operator import Operator
from rollout_operator.settings import InvalidSettings, read_settings

QUIET_LOGGERS = ("kopf", "urllib3")
KOPFS_EXTRA = ("settings", "k8s_skip")  # Kopf adds these to every record


def main() -> int:
    """2 when the environment is wrong."""
    core_dumps.switch_off()
    try:
        settings = read_settings()
    except InvalidSettings as error:
        print(f"rollout_operator: {error}", file=sys.stderr)
        return 2
    json_logs.configure("INFO", dict.fromkeys(QUIET_LOGGERS, "WARNING"), KOPFS_EXTRA)
    uvloop.run(Operator(settings).run())
    return 0
