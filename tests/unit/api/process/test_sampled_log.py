"""A stranger causes a bounded number of log lines."""

import logging

import pytest
from inference_api.process.sampled_log import SampledLog


def test_one_line_for_each_key_in_a_second_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = SampledLog(logging.getLogger("inference_api.some"), lambda: now)
    with caplog.at_level("INFO"):
        for _ in range(3):
            log.write("refused", {"kind": "a"}, key="a")
        log.write("refused", {"kind": "b"}, key="b")
        now = 1.0
        log.write("refused", {"kind": "a"}, key="a")
    lines = [(vars(record)["kind"], vars(record).get("left_out")) for record in caplog.records]
    assert lines == [("a", None), ("b", None), ("a", 2)]


def test_so_many_lines_in_a_second(caplog: pytest.LogCaptureFixture) -> None:
    log = SampledLog(logging.getLogger("inference_api.some"), lambda: 0.0, lines=3)
    with caplog.at_level("INFO"):
        for _ in range(5):
            log.write("refused", {}, key="a")
    assert len(caplog.records) == 3
