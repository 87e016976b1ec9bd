"""Finds what is known about a release, in whichever document it is: its address, and the metadata to route it by."""

from collections.abc import Iterator

from rollout_operator.decide import replicas
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import VersionMetadata
from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import Status


def find_release(spec: Spec, status: Status, seen: Observation, version: int, digest: str) -> Release | None:
    """With an address to fetch it from; None when nobody knows one. Its acceptance set is the one that it passed."""
    every = (one for one in _releases(spec, status, seen) if one.uri and (one.version, one.digest) == (version, digest))
    found = next(every, None)
    planned = next((one for one in _planned(seen) if one == found), None)
    return found.proved_as(planned) if found and planned else found


def find_metadata(seen: Observation, release: Release) -> VersionMetadata | None:
    """From an agent that verified the bundle, or from the routes as they are."""
    for replica in seen.replicas:
        report = replica.state.of(release) if replica.state else None
        if report and report.labels is not None and report.preprocessing is not None:
            return VersionMetadata(
                release.digest,
                report.labels,
                report.preprocessing,
                inputs=report.inputs,
                input=report.input,
                output=report.output,
            )
    metadata = seen.routes.versions.get(str(release.version)) if seen.routes else None
    return metadata if metadata and metadata.digest == release.digest else None


def _releases(spec: Spec, status: Status, seen: Observation) -> Iterator[Release]:
    yield spec.wanted
    yield from (part for part in (status.stable, status.canary, status.previous) if part)
    yield from (seen.plan.releases if seen.plan else ())
    yield from (one.release for one in status.history)
    for replica in seen.replicas:
        yield from replicas.held(replica)


def _planned(seen: Observation) -> Iterator[Release]:
    yield from (seen.plan.releases if seen.plan else ())
    for replica in seen.replicas:
        yield from replicas.held(replica)
