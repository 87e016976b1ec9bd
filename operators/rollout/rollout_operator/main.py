"""The operator's door: environment in, exit status out."""

import asyncio
import sys

from rollout_operator.logs import configure_logging
from rollout_operator.operator import Operator
from rollout_operator.settings import InvalidSettings, read_settings


def main() -> int:
    """2 when the environment is wrong."""
    try:
        settings = read_settings()
    except InvalidSettings as error:
        print(f"rollout_operator: {error}", file=sys.stderr)
        return 2
    configure_logging()
    asyncio.run(Operator(settings).run())
    return 0
