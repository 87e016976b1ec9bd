"""The log of every part: one JSON object per line. docs/contracts.md describes the fields.

Log lines hold nothing of a patient: no pixel, no file name, no header of a client.
"""

import json
import logging
import logging.config
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

# What every record has anyway; the rest was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Gives time (UTC), level, logger, message, the keys of `extra` but `left_out`, and the traceback as exception."""

    def __init__(self, left_out: Iterable[str] = ()) -> None:
        super().__init__()
        self._left_out = _STANDARD | set(left_out)

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON; values that JSON does not know are written as text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in self._left_out}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def config(
    root: str, loggers: Mapping[str, str], left_out: Iterable[str] = (), stream: Literal["stdout", "stderr"] = "stdout"
) -> dict[str, Any]:
    """A configuration for logging.config.dictConfig, and for gunicorn.

    `root` is the level of all loggers but those in `loggers`, which maps names to levels. `left_out` names keys of
    `extra` that a library adds to every record.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter, "left_out": tuple(left_out)}},
        "handlers": {"json": {"class": "logging.StreamHandler", "stream": f"ext://sys.{stream}", "formatter": "json"}},
        "root": {"level": root, "handlers": ["json"]},
        # gunicorn takes its own loggers out of the root's hands, so each has the handler itself.
        "loggers": {
            name: {"level": level, "handlers": ["json"], "propagate": False} for name, level in loggers.items()
        },
    }


def configure(root: str, loggers: Mapping[str, str], left_out: Iterable[str] = ()) -> None:
    """Makes this process log like that; the arguments are those of `config`."""
    logging.config.dictConfig(config(root, loggers, left_out))
