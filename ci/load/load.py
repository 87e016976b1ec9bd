"""Load as the project defines it: a constant arrival rate, kept-alive and fresh connections, no retries, all checked.

with Load(urls, images, expected, folder) as load:
    load.wait_until_answered(300)
    load.mark("killed")
    ...
    result = load.finish(at_least=1000)
assert not result.failed
"""

import json
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ci.load.k6 import K6
from ci.stack.logs import whole_lines
from ci.stack.waiting import wait_until

# version -> what it must say of each image (see answers.py); version 0 stands for a server that names none.
Expected = dict[int, list[str]]

# Stopping k6 cancels what is in flight. What was sent so long before the end must have an answer all the same.
# Not 0: k6 prints a moment later that it sends a request.
CUT_OFF_SECONDS = 3.0
# From the client's time limit until k6 has printed what became of the request.
PRINT_SECONDS = 5.0
# Users for each request of a second. A scenario sends half of the requests, so none is dropped while the servers stand
# still for twice as many seconds.
USER_SECONDS = 6
CANCELLED = "context canceled"


@dataclass(frozen=True)
class Answer:
    sent_ms: float
    ended_ms: float
    latency_ms: float
    version: int
    failure: str
    fresh: bool


@dataclass(frozen=True)
class Result:
    """answers: in order of sending; dropped: iterations that k6 could not start for want of a free user."""

    answers: tuple[Answer, ...]
    unanswered: int
    dropped: int
    marks: Mapping[str, float]

    @property
    def sent(self) -> int:
        return len(self.answers) + self.unanswered + self.dropped

    @property
    def failures(self) -> Counter[str]:
        reasons = Counter(answer.failure for answer in self.answers if answer.failure)
        return reasons + Counter({"no answer": self.unanswered, "dropped iteration": self.dropped})

    @property
    def failed(self) -> int:
        return self.failures.total()

    def between(self, start: str | None = None, end: str | None = None) -> "Result":
        """Sent and answered between two marks; what no mark bounds goes from the beginning or to the end.

        On a busy machine a request may be sent before the mark and reach a server after it.
        """
        first, last = self.marks.get(start or "", 0.0), self.marks.get(end or "", float("inf"))
        assert not {start, end} - {None, *self.marks}, f"unknown mark: {start} or {end} of {sorted(self.marks)}"
        chosen = tuple(answer for answer in self.answers if first <= answer.sent_ms and answer.ended_ms < last)
        return Result(chosen, 0, 0, self.marks)

    def by_version(self) -> dict[int, int]:
        return dict(sorted(Counter(answer.version for answer in self.answers if not answer.failure).items()))

    def latencies_ms(self, version: int | None = None) -> list[float]:
        return [
            answer.latency_ms
            for answer in self.answers
            if not answer.failure and (version is None or answer.version == version)
        ]

    def p50_ms(self, version: int | None = None) -> float:
        return median(self.latencies_ms(version))

    def p95_ms(self, version: int | None = None) -> float:
        return quantiles(self.latencies_ms(version), n=20)[-1]

    def __str__(self) -> str:
        fresh = sum(answer.fresh for answer in self.answers)
        counts = (
            f"sent {self.sent} ({fresh} on fresh connections), failed {self.failed}, by version {self.by_version()}"
        )
        return counts + (f", failures {dict(self.failures)}" if self.failed else "")


def judge(lines: Sequence[str], expected: Expected, due_ms: float) -> tuple[list[Answer], int]:
    """The answers in order of sending, and how many requests sent before `due_ms` have none. Pure.

    Stopping k6 cancels what is in flight, so what was sent later may have none. See open.js for the lines.
    """
    records = [json.loads(line) for line in lines]
    ended = [record for record in records if "status" in record and record["error"] != CANCELLED]
    answered = {record["id"] for record in ended}
    sent = {record["id"]: record["sent"] for record in records}
    unanswered = sum(1 for id, sent_ms in sent.items() if id not in answered and sent_ms < due_ms)
    return sorted((judge_answer(record, expected) for record in ended), key=lambda answer: answer.sent_ms), unanswered


def judge_answer(record: dict[str, Any], expected: Expected) -> Answer:
    version, fresh = int(record.get("version") or 0), str(record["id"]).startswith("fresh")
    if record["status"] == 0:
        failure = f"no answer: {record['error']}"
    elif record["status"] != 200:
        failure = f"status {record['status']}"
    elif version not in expected:
        failure = f"answered by version {version or 'unnamed'}"
    elif record["said"] != expected[version][record["image"]]:
        failure = f"version {version} said {record['said']}, not {expected[version][record['image']]}"
    elif fresh and not record["connected"]:
        failure = "the connection was not fresh"
    else:
        failure = ""
    return Answer(record["sent"], record["ended"], record["ms"], version, failure, fresh)


class Load(K6):
    """In the background until `finish`; half of the requests, or fresh_share, come on connections of their own.

    `max_seconds` is far beyond what any test takes: a load that ends by itself is an error.
    """

    def __init__(
        self,
        urls: Sequence[str],
        images: Sequence[bytes],
        expected: Expected,
        folder: Path,
        *,
        rate_per_second: float = 50,
        fresh_share: float = 0.5,
        timeout_seconds: float = 20,
        max_seconds: float = 900,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        fresh = round(rate_per_second * 10 * fresh_share)
        self._rate_per_second, self._timeout_seconds = rate_per_second, timeout_seconds
        self._users = max(20, round(rate_per_second * USER_SECONDS))
        settings = {
            "urls": list(urls),
            "keptPerTenSeconds": round(rate_per_second * 10) - fresh,
            "freshPerTenSeconds": fresh,
            "vus": self._users,
            "seconds": max_seconds,
            "timeoutSeconds": timeout_seconds,
            "headers": dict(headers or {}),
        }
        super().__init__("open", folder, settings, images)
        self._expected = expected
        self._marks: dict[str, float] = {}
        self._counted_bytes = self._counted = 0

    def mark(self, name: str) -> None:
        """Names this moment, for Result.between."""
        self._marks[name] = time.time() * 1000

    def answered(self) -> int:
        """Reads only what came since it was asked last: a test asks often, and other threads want their turn."""
        if self.lines.exists():
            with self.lines.open("rb") as lines:
                lines.seek(self._counted_bytes)
                new = lines.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._counted_bytes += len(whole)
            self._counted += sum(b'"status"' in line for line in whole.splitlines())
        return self._counted

    def wait_until_answered(self, count: int, timeout_seconds: float = 120) -> None:
        """From now on, so many answers."""
        wanted = self.answered() + count

        def enough() -> bool:
            assert self.is_running(), f"k6 ended early:\n{self.log_tail()}"
            return self.answered() >= wanted

        wait_until(enough, f"{count} answers under load", timeout_seconds, poll_seconds=0.2)

    def last(self, seconds: float) -> None:
        """Goes on for so long, counted in answers at its rate: a slow machine makes it longer, never shorter."""
        self.wait_until_answered(round(seconds * self._rate_per_second), 2 * seconds + 60)

    def _wait_for_answers(self, due_ms: float) -> None:
        """To all that was sent before. A busy machine answers late; the client's time limit says what is too late."""

        def all_came() -> bool:
            return judge(whole_lines(self.lines), self._expected, due_ms)[1] == 0

        with suppress(AssertionError):
            wait_until(all_came, "late answers", self._timeout_seconds + PRINT_SECONDS, poll_seconds=0.2)

    def finish(self, at_least: int = 1000) -> Result:
        """Goes on until so many were answered in all, stops, prints the counts; fails when fewer were sent."""
        self.wait_until_answered(max(0, at_least - self.answered()))
        due_ms = (time.time() - CUT_OFF_SECONDS) * 1000
        self._wait_for_answers(due_ms)
        self.signal(signal.SIGINT)
        self.wait(60)
        answers, unanswered = judge(whole_lines(self.lines), self._expected, due_ms)
        metrics = self.metrics()
        dropped = int(metrics.get("dropped_iterations", {"values": {"count": 0}})["values"]["count"])
        result = Result(tuple(answers), unanswered, dropped, dict(self._marks))
        cancelled = metrics["iterations"]["values"]["count"] - len(answers)
        # Below 0: the interrupt came after the line was printed and before the iteration was counted.
        assert cancelled < self._users, f"k6 counted {cancelled} more answers than it printed"
        assert result.sent >= at_least, f"only {result.sent} requests were sent, {at_least} were wanted"
        print(result)
        return result
