"""What every section of the benchmark is given: where to work, what to serve, for how long to measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ci.bench import bundles
from ci.load.images import grey_jpeg
from ci.load.k6 import ClosedResult, run_closed
from ci.stack.say import say


@dataclass
class Stand:
    """scale: 1 for numbers worth keeping; smaller measures for a shorter time, to see that it runs."""

    folder: Path
    scale: float = 1.0

    @cached_property
    def image(self) -> bytes:
        """A 512x512 grey JPEG of about 50 KB."""
        return grey_jpeg()

    @cached_property
    def tiny(self) -> tuple[Path, Path]:
        """Versions 1 and 2 of the model whose inference costs nearly nothing."""
        return bundles.make("tiny", self.folder / "tiny")

    @cached_property
    def resnet50(self) -> tuple[Path, Path]:
        return bundles.make("resnet50", self.folder / "resnet50")

    @cached_property
    def chest(self) -> tuple[Path, Path]:
        return bundles.make("chest", self.folder / "chest")

    def seconds(self, wanted: float) -> float:
        return max(2.0, wanted * self.scale)

    def count(self, wanted: int) -> int:
        return max(1, round(wanted * self.scale))

    def closed(
        self, name: str, urls: list[str], users: int, seconds: float, headers: Mapping[str, str] | None = None
    ) -> ClosedResult:
        """So many virtual users on the image; a line of progress with the result."""
        result = run_closed(urls, [self.image], self.folder / "k6", users, self.seconds(seconds), headers=headers)
        rate, latency = f"{result.requests_per_second:.0f} requests/s", f"median {result.median_ms:.1f} ms"
        say(f"  {name}, {users} users: {rate}, {latency}, {result.failed} failed")
        return result
