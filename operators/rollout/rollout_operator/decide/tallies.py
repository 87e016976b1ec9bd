"""The tally of a comparison over many classes, or over findings: its rows judged, and its worst pairs by name."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

from rollout_operator.decide.rates import CLASS_SAMPLES_MIN, assess_rate
from rollout_operator.documents.assessment import Measurement, Verdict
from rollout_operator.documents.counters import NamedPair, Shadow, Tally
from rollout_operator.documents.routes import VersionMetadata
from rollout_operator.documents.spec import AnalysisSpec

MAX_WORST = 5
MAX_NAME = 64
OTHER = "a class that stable does not know"
NOT = "no "


def in_words(shadow: Shadow, metadata: VersionMetadata | None) -> Shadow:
    """With the worst pairs of a tally by name, and without the tally: a thousand rows are too many to keep."""
    if shadow.tally is None:
        return shadow
    return replace(shadow, tally=None, worst=worst_pairs(shadow.tally, metadata))


def worst_pairs(tally: Tally, metadata: VersionMetadata | None) -> tuple[NamedPair, ...]:
    """The most frequent ones. `metadata`: stable's, which names the rows; without it they have numbers."""
    worst = sorted(tally.pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_WORST]
    return tuple(_named(pair, count, metadata) for pair, count in worst)


def assess_tally(spec: AnalysisSpec, tally: Tally, metadata: VersionMetadata | None) -> Iterator[Measurement]:
    """Each row that stable said is judged; the worst MAX_WORST of each bad verdict are named, the rest is summed up."""
    judged = [_Row(row, said, min(same, said), spec) for row, (said, same) in enumerate(_rows(tally)) if said]
    named = [
        one
        for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
        for one in sorted((one for one in judged if one.verdict is verdict), key=lambda one: -one.rate)[:MAX_WORST]
    ]
    yield from (one.measurement(_name(one.row, metadata)) for one in named)
    passed, few = (sum(one.verdict is verdict for one in judged) for verdict in (Verdict.PASSED, Verdict.NOT_JUDGED))
    more = len(judged) - passed - few - len(named)
    shown = f"{passed} agree, {few} have fewer than {CLASS_SAMPLES_MIN} samples and are not judged"
    shown += f", {more} more do not agree" if more else ""
    verdict = Verdict.PASSED if passed else Verdict.NOT_JUDGED
    yield Measurement("disagreementOfOthers", verdict, shown, samples=sum(tally.said) - sum(one.said for one in named))


class _Row:
    """What stable said so often, and the canary with it. Only a few are put into words, which costs the most."""

    def __init__(self, row: int, said: int, same: int, spec: AnalysisSpec) -> None:
        self.row, self.said, self._differed = row, said, said - same
        self._limit = 1 - spec.min_agreement_per_class
        self.rate = self._differed / said
        self.verdict = self._judge()

    def _judge(self) -> Verdict:
        if self.said < CLASS_SAMPLES_MIN:
            return Verdict.NOT_JUDGED
        return self.measurement("").verdict if self._differed else Verdict.PASSED

    def measurement(self, name: str) -> Measurement:
        return assess_rate(f"disagreement on {name}", self._differed, self.said, self._limit, CLASS_SAMPLES_MIN)


def _named(pair: str, count: int, metadata: VersionMetadata | None) -> NamedPair:
    stable, canary = (_name(int(row), metadata) for row in pair.split(","))
    return NamedPair(stable, canary, count)


def _rows(tally: Tally) -> Iterator[tuple[int, int]]:
    return zip_longest(tally.said, tally.same, fillvalue=0)


def _name(row: int, metadata: VersionMetadata | None) -> str:
    """`Effusion`, or `no Effusion` for the row in which stable did not name the finding."""
    if row < 0:
        return OTHER
    if metadata is None:
        return f"class {row}"
    is_several = bool(metadata.output and metadata.output.get("thresholds"))
    index, is_not = divmod(row, 2) if is_several else (row, 0)
    name = metadata.labels[index] if index < len(metadata.labels) else f"class {index}"
    return f"{NOT if is_not else ''}{name}"[:MAX_NAME]
