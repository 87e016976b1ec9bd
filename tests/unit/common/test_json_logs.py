import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from medinfer_common import json_logs


def formatted(message: str, *args: object, error: object = None, **extra: object) -> dict[str, Any]:
    record = logging.makeLogRecord(
        {"name": "inference_api.x", "levelname": "WARNING", "msg": message, "args": args} | extra
    )
    record.exc_info = error  # type: ignore[assignment]  # what sys.exc_info gives, which may be three times None
    line: dict[str, Any] = json.loads(json_logs.JsonFormatter().format(record))
    return line


def test_a_line_is_one_object_with_what_extra_holds() -> None:
    line = formatted("replica %s", "a", version=2)
    assert (line["level"], line["logger"], line["message"], line["version"]) == (
        "warning",
        "inference_api.x",
        "replica a",
        2,
    )
    assert set(line) == {"time", "level", "logger", "message", "version"}


def test_the_time_is_utc_and_says_so() -> None:
    line = formatted("now", created=datetime(2026, 1, 31, 23, 59, 59, 123456, UTC).timestamp())
    assert line["time"] == "2026-01-31T23:59:59.123+00:00"


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        line = formatted("failed", error=sys.exc_info())
    assert "ValueError: bad\nthing" in line["exception"]


def test_the_configuration_is_one_that_logging_takes(capsys: pytest.CaptureFixture[str]) -> None:
    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    quiet = logging.getLogger("quiet_library")
    try:
        logging.config.dictConfig(json_logs.config("INFO", {"quiet_library": "WARNING"}, left_out=("added",)))
        quiet.info("not written")
        quiet.warning("written", extra={"added": "by a library", "kept": True})
        logging.getLogger("a_part").info("written, too")
    finally:
        logging.getLogger().handlers[:] = before
        logging.getLogger().setLevel(level)
    written = capsys.readouterr()
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert [(line["message"], line["logger"]) for line in lines] == [
        ("written", "quiet_library"),
        ("written, too", "a_part"),
    ]
    assert written.err == "" and lines[0]["kept"] and "added" not in lines[0]
