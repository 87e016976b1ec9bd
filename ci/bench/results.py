"""What a section of the benchmark hands back: tables to print, checks to pass, plots to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Check:
    """One number with the limit it must keep: at least, or at most."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def passed(self) -> bool:
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    @property
    def limit(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


@dataclass(frozen=True)
class Plot:
    """series: name -> one value for each of `x`; kind: `lines`, `bars` or `stack`."""

    name: str
    title: str
    kind: str
    x: Sequence[str]
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    tables: Sequence[Table]
    checks: Sequence[Check]
    plots: Sequence[Plot] = field(default=())
