"""Prometheus as a process, which `ci/cluster/build prometheus` makes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.stack.control_plane import binary
from ci.stack.processes import Process

PORT = 9090


@dataclass(frozen=True)
class Target:
    """`address`: host and port, whose /metrics is read. `labels`: what a scrape adds to each series."""

    address: str
    labels: Mapping[str, str]


class Prometheus(Process):
    """Reads its targets and evaluates its rules every `interval_seconds`. `rules`: rule files."""

    def __init__(
        self,
        folder: Path,
        address: str,
        targets: Sequence[Target],
        rules: Sequence[Path] = (),
        interval_seconds: int = 1,
    ) -> None:
        self.url = f"http://{address}:{PORT}"
        configuration = {
            "global": {"scrape_interval": f"{interval_seconds}s", "evaluation_interval": f"{interval_seconds}s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [
                {
                    "job_name": "medinfer",
                    "scrape_timeout": f"{interval_seconds}s",
                    "static_configs": [{"targets": [one.address], "labels": dict(one.labels)} for one in targets],
                }
            ],
        }
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "prometheus.yaml"
        self._file.write_text(json.dumps(configuration))  # JSON is YAML
        options = {
            "config.file": self._file,
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"{address}:{PORT}",
            "log.level": "warn",
        }
        command = [str(binary("prometheus")), *(f"--{name}={value}" for name, value in options.items())]
        super().__init__("prometheus", command, {}, folder / "prometheus.log")

    def start(self) -> None:
        """Returns when it is ready."""
        super().start()
        self.wait_until_ready(f"{self.url}/-/ready", 60)
