import json
import logging
import logging.config
import sys

from inference_api import logs


def formatted(message, *args, error=None, **extra):
    record = logging.makeLogRecord(
        {"name": "inference_api.x", "levelname": "WARNING", "msg": message, "args": args} | extra
    )
    record.exc_info = error
    return json.loads(logs.JsonFormatter().format(record))


def test_a_line_is_one_object_with_what_extra_holds():
    line = formatted("replica %s", "a", version=2)
    assert (line["level"], line["logger"], line["message"], line["version"]) == (
        "warning",
        "inference_api.x",
        "replica a",
        2,
    )
    assert set(line) == {"time", "level", "logger", "message", "version"}


def test_an_exception_stays_on_its_line():
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        line = formatted("failed", error=sys.exc_info())
    assert "ValueError: bad\nthing" in line["exception"]


def test_the_configuration_is_one_that_logging_takes():
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(logs.config())
    finally:
        logging.getLogger().handlers[:] = before
