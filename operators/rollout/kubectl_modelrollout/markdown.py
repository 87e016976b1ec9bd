"""report.md: the evidence for people."""

from collections.abc import Iterable, Iterator, Sequence

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.matrix import Matrix, matrices
from kubectl_modelrollout.table import count, duration, milliseconds, percent

PICTURES = {
    "traffic": "Share of the traffic over time",
    "requests": "Requests, errors and latency of each version",
    "disagreement": "Classes named by both versions",
    "warmup": "Latency at the end of warm-up, on each replica",
}


def render_report(evidence: Json, plots: Sequence[str]) -> str:
    """The text of report.md. `plots`: names of the picture files in the same folder."""
    sections = (_heading, _summary, _proofs, _approvals, _traffic, _measurements, _disagreement, _others)
    texts = [text for section in sections for text in section(evidence)]
    pictures = [f"![{PICTURES[name.removesuffix('.png')]}]({name})" for name in plots]
    if pictures:
        texts += ["## Plots", *pictures]
    return "\n\n".join(texts) + "\n"


def outcome_of(evidence: Json) -> str:
    """In words; `in progress` until the release ended."""
    return str(evidence["outcome"] or "in progress")


def stable_name(evidence: Json) -> str:
    """The version that it was compared with."""
    return f"v{evidence['stable']['version']}" if evidence["stable"] else "stable"


def _heading(evidence: Json) -> Iterator[str]:
    release, stable = evidence["release"], evidence["stable"]
    reason = f" ({evidence['reason']})" if evidence["reason"] not in ("", outcome_of(evidence)) else ""
    yield f"# {evidence['model']} v{release['version']}: {outcome_of(evidence)}"
    rows = [
        ("Outcome", f"**{outcome_of(evidence)}**{reason}"),
        ("Version", f"v{release['version']}, `{release['digest']}`"),
        ("Artifact", f"<{release['uri']}>"),
        ("Signed by", _signer(evidence["signedBy"])),
        ("Compared with", f"v{stable['version']}, `{stable['digest']}`" if stable else "nothing: the first version"),
        ("Began", evidence["startedAt"]),
        ("Ended", evidence["endedAt"] or "in progress"),
        ("Took", duration(evidence["seconds"])),
        ("ModelRollout", f"{evidence['namespace']}/{evidence['rollout']}"),
        ("Written", f"{evidence['writtenAt']} by `kubectl modelrollout report`"),
    ]
    yield _table(("", ""), rows)


def _signer(signed: Json) -> str:
    return f"{signed['name']}, key `{signed['key']}`" if signed["name"] else "unverified: nobody who is trusted"


def _summary(evidence: Json) -> Iterator[str]:
    failure = evidence["failure"]
    if failure:
        where = f" at {failure['location']}" if failure["location"] else ""
        yield f"**Why it failed:** {evidence['reason']}{where}: {failure['message']}".rstrip(": ")
    if evidence["outcome"] is None:
        yield "The release is in progress: a step appears in these tables once it has ended."
    if evidence["isSummary"]:
        yield "Steps and replicas of a release so long ago are not kept any more."
    else:
        yield "\n".join(f"- {line}" for line in _bullets(evidence))


def _bullets(evidence: Json) -> Iterator[str]:
    version, replicas, errors = f"v{evidence['release']['version']}", evidence["replicas"], evidence["errors"]
    if evidence["requests"]:
        failed = f"{errors:,} failed there and were answered by {stable_name(evidence)}" if errors else "none failed"
        yield f"{count(evidence['requests'], 'request')} went to {version}; {failed}"
    elif evidence["stages"]:
        yield f"no request went to {version}"
    if evidence["suspensions"]:
        why = "a Triton died while it answered, or most of its answers failed"
        yield f"API pods stopped asking {version} {count(evidence['suspensions'], 'time')}: {why}"
    matched = [one for one in replicas if _matched(one)]
    proved = f"golden outputs matched on {len(matched)} of {count(len(replicas), 'replica')} before the first request"
    yield proved if replicas else f"{version} was warm on no replica"
    accepted = sorted({one["acceptance"] for one in replicas if one["acceptance"]})
    if accepted:
        said = " and ".join(one.replace("/", " of ") for one in accepted)
        yield f"of the hospital's acceptance set {said} answers were right, which is enough"
    yield from (
        f"{percent(one.agreed / one.compared)} of {one.compared:,} compared answers name one class ({one.title})"
        for one in matrices(evidence)
        if one.compared
    )
    yield from (
        f"{percent(one['agreed'] / one['samples'])} of {one['samples']:,} compared answers agree in all ({name})"
        for name, one in _without_matrix(evidence)
        if one["samples"]
    )
    yield from (f"gate {one['gate']} was approved by {one['by']} ({one['key']})" for one in evidence["approvals"])


def _proofs(evidence: Json) -> Iterator[str]:
    if evidence["replicas"]:
        yield "## Proof on each replica"
        yield "Before its first request. A match: classes are equal, and probabilities are within the tolerance."
        heading = ("Replica", "Golden outputs", "p50", "p95", "Warm-up requests", "Latency settled")
        yield _table(heading, [_proof(one) for one in evidence["replicas"]])


def _proof(one: Json) -> tuple[str, ...]:
    golden = f"{one['golden'].replace('/', ' of ')}{'' if _matched(one) else ' **mismatch**'}"
    settled = "yes" if one["settled"] else "no"
    return one["name"], golden, f"{one['p50Ms']:.1f} ms", f"{one['p95Ms']:.1f} ms", f"{one['iterations']:,}", settled


def _matched(one: Json) -> bool:
    return len(set(one["golden"].split("/"))) == 1


def _approvals(evidence: Json) -> Iterator[str]:
    if evidence["approvals"]:
        yield "## Approvals"
        yield "Key: of the signature that the operator verified; unverified: anybody could write this name."
        rows = [(one["gate"], one["by"], one["key"], one["at"]) for one in evidence["approvals"]]
        yield _table(("Gate", "Approved by", "Key", "Opened"), rows)


def _traffic(evidence: Json) -> Iterator[str]:
    yield "## Requests and errors of each version"
    if not evidence["stages"]:
        yield "No step has ended."
        return
    yield (
        "As the API pods counted them. A gate or a pause leaves the traffic as it is and is counted with it. "
        "A shadow copy answers no client and is not counted as a request."
    )
    canary, stable = f"v{evidence['release']['version']}", stable_name(evidence)
    heading = ["Steps", "Began", "Took"]
    heading += [f"{version} {what}" for version in (canary, stable) for what in ("requests", "errors", "p95")]
    yield _table(heading, [_stage(one) for one in evidence["stages"]])


def _stage(one: Json) -> tuple[str, ...]:
    steps = "<br>".join(f"{step['step']} ({duration(step['seconds'])})" for step in one["steps"])
    numbers = [cell for version in ("canary", "stable") for cell in _counts(one[version])]
    return steps, one["startedAt"], duration(one["seconds"]), *numbers


def _counts(one: Json) -> tuple[str, str, str]:
    errors = f"{one['errors']:,} ({percent(one['errors'] / one['requests'], 2)})" if one["errors"] else "0"
    return f"{one['requests']:,}", errors if one["requests"] else "-", milliseconds(one["p95Seconds"])


def _measurements(evidence: Json) -> Iterator[str]:
    found = [one for one in evidence["stages"] if one["measurements"]]
    if found:
        yield "## Measurements and limits"
        yield f"Compared with {stable_name(evidence)}. A rate fails only when its 95 % interval is beyond the limit."
    for stage in found:
        yield f"**{' + '.join(one['step'] for one in stage['steps'])}**"
        rows = [(w["what"], w["value"], w["limit"], w["samples"], _verdict(one)) for one, w in _words(stage)]
        yield _table(("Measured", "Value", "Limit", "Samples", "Verdict"), rows)


def _words(stage: Json) -> Iterator[tuple[Json, Json]]:
    yield from ((one, one["words"]) for one in stage["measurements"])


def _verdict(one: Json) -> str:
    return f"**{one['words']['verdict']}**" if one["verdict"] == "Failed" else str(one["words"]["verdict"])


def _disagreement(evidence: Json) -> Iterator[str]:
    yield from _matrices(evidence)
    yield from _worst_pairs(evidence)


def _worst_pairs(evidence: Json) -> Iterator[str]:
    """Of many classes, or of findings: no matrix is kept of them."""
    found = [(name, shadow) for name, shadow in _without_matrix(evidence) if shadow["worst"]]
    for number, (name, shadow) in enumerate(found):
        if not number:
            yield "## Where the versions disagreed most"
        same = percent(shadow["agreed"] / max(1, shadow["samples"]))
        yield (
            f"**{name}**: {shadow['samples']:,} compared, {same} agree in all, {shadow['failed']:,} copies not answered"
        )
        canary = f"v{evidence['release']['version']} said"
        rows = [(one["stable"], one["canary"], f"{one['count']:,}") for one in shadow["worst"]]
        yield _table((f"{stable_name(evidence)} said", canary, "Images"), rows)


def _without_matrix(evidence: Json) -> Iterator[tuple[str, Json]]:
    """The stages that compared many classes, or findings."""
    for stage in evidence["stages"]:
        if stage["shadow"] and not stage["shadow"]["matrix"]:
            yield stage["traffic"], stage["shadow"]


def _matrices(evidence: Json) -> Iterator[str]:
    for number, one in enumerate(matrices(evidence)):
        if not number:
            yield "## Which class each version named"
            asked = f"v{evidence['release']['version']}, asked with a copy of the same image"
            yield f"Row: {stable_name(evidence)}. Column: {asked}."
        yield f"**{one.title}**: {one.compared:,} compared, {one.unanswered:,} copies not answered"
        rows = [_row(one, index) for index in range(len(one.names))]
        yield _table(("", *one.names, "Agreement"), rows)


def _row(one: Matrix, index: int) -> tuple[str, ...]:
    cells = [f"**{number:,}**" if column == index else f"{number:,}" for column, number in enumerate(one.counts[index])]
    return (f"**{one.names[index]}**", *cells, percent(one.agreement(index)))


def _others(evidence: Json) -> Iterator[str]:
    if evidence["otherAttempts"]:
        yield "## Other attempts of the same bytes"
        rows = [
            (one["startedAt"], one["endedAt"] or "-", one["outcome"] or "in progress", one["reason"] or "-")
            for one in evidence["otherAttempts"]
        ]
        yield _table(("Began", "Ended", "Outcome", "Reason"), rows)


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    every = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in every)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
