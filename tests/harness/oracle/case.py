"""A generated file of the grid, and how the grid is walked."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Choice = Mapping[str, str]

_MAX_STEPS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """`name` says how to make the file again: "dicom 16of12 MONOCHROME1 RLE ...".

    `twins`: the same picture written as the standard has it, each with what an oracle must know of it; oracles are
    shown these instead of `data`. Several, where a file can be understood in several ways.
    """

    name: str
    data: bytes
    twins: tuple["Twin", ...]


@dataclass(frozen=True, slots=True)
class Twin:
    data: bytes
    known: Any = None


def _as_it_is(choice: dict[str, str]) -> Choice:
    return choice


def walk(
    axes: Mapping[str, Sequence[str]], count: int, seed: int, possible: Callable[[dict[str, str]], Choice] = _as_it_is
) -> Iterator[Choice]:
    """`count` different points of a grid that is too large to visit whole. Raises ValueError when it has fewer.

    Each axis goes through its own values in a shuffled order again and again, so that each value has its share, and
    each pair of values meets in a few hundred points. `possible` puts a point right that cannot be. A longer walk
    begins with the points of a shorter one.
    """
    dice = random.Random(seed)
    decks: dict[str, list[str]] = {name: [] for name in axes}
    seen: set[tuple[str, ...]] = set()
    for _ in range(_MAX_STEPS * count):
        if len(seen) == count:
            return
        choice = possible({name: _drawn(decks[name], values, dice) for name, values in axes.items()})
        point = tuple(choice.values())
        if point not in seen:
            seen.add(point)
            yield choice
    if len(seen) < count:
        raise ValueError(f"the grid has hardly more than {len(seen)} points; ask for fewer than {count}")


def _drawn(deck: list[str], values: Sequence[str], dice: random.Random) -> str:
    if not deck:
        deck += dice.sample(list(values), len(values))
    return deck.pop()


def named(kind: str, choice: Choice) -> str:
    return " ".join([kind, *(value for value in choice.values() if value)])
