"""Plans and routes for stacks without an operator, made from bundles on disk."""

import hashlib
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Warmup:
    """On a busy machine the latency never settles: a warm-up then takes all of `max_seconds`."""

    batch_sizes: tuple[int, ...]
    max_seconds: float

    def to_json(self) -> Json:
        """As in a plan, and in the spec of a ModelRollout."""
        return {"batchSizes": list(self.batch_sizes), "maxSeconds": self.max_seconds}


SHORT = Warmup((1, 4), 4)
FULL = Warmup((1, 4, 8, 16), 60)


def read_members(bundle: Path) -> dict[str, bytes]:
    """Name -> bytes, of a bundle that we made ourselves; nothing is verified here."""
    with tarfile.open(bundle) as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member))}


def read_manifest(bundle: Path) -> Json:
    """model.json of a bundle that we made ourselves."""
    manifest: Json = json.loads(read_members(bundle)["model.json"])
    return manifest


def digest_of(bundle: Path) -> str:
    with bundle.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def artifact(bundle: Path) -> Json:
    return {"version": read_manifest(bundle)["version"], "uri": bundle.resolve().as_uri(), "digest": digest_of(bundle)}


def build_plan(
    stable: Path | None = None,
    canary: Path | None = None,
    previous: Path | None = None,
    *,
    canary_replicas: list[str] | None = None,
    warmup: Warmup = SHORT,
    load_timeout_seconds: float = 60,
    siblings: list[Json] | None = None,
) -> Json:
    """canary_replicas None: every replica may load the canary."""
    some = stable or canary
    assert some is not None, "a plan needs a stable or a canary"
    wanted = artifact(canary) if canary else None
    if wanted and canary_replicas is not None:
        wanted["replicas"] = canary_replicas
    return {
        "schemaVersion": 1,
        "model": read_manifest(some)["model"],
        "stable": artifact(stable) if stable else None,
        "canary": wanted,
        "previous": artifact(previous) if previous else None,
        "load": {"timeoutSeconds": load_timeout_seconds},
        "warmup": warmup.to_json() | {"golden": {"atol": 0.02}},
        "siblings": siblings or [],
    }


def build_routes(
    replicas: list[tuple[str, str, list[int]]],
    stable: Path,
    canary: Path | None = None,
    *,
    weight: int = 0,
    step: str = "0",
    shadow_percent: int = 0,
) -> Json:
    """replicas: (name, URL of Triton's HTTP endpoint, versions warm there); weight: the canary's, in percent."""
    bundles = [stable, *([canary] if canary else [])]
    manifests = {path: read_manifest(path) for path in bundles}
    return {
        "schemaVersion": 1,
        "model": manifests[stable]["model"],
        "step": step,
        "stable": {"version": manifests[stable]["version"], "weight": 100 - weight},
        "canary": {"version": manifests[canary]["version"], "weight": weight} if canary else None,
        "shadow": {"percent": shadow_percent} if shadow_percent else None,
        "assignment": {"header": "X-Study-Id", "salt": digest_of(canary or stable)},
        "versions": {
            str(manifest["version"]): {"digest": digest_of(path), **_metadata(manifest)}
            for path, manifest in manifests.items()
        },
        "replicas": [{"name": name, "url": url, "versions": versions} for name, url, versions in replicas],
    }


def labels_of(manifest: Json) -> list[str]:
    """Of a model.json of either schemaVersion."""
    labels: list[str] = manifest["labels"] if manifest["schemaVersion"] == 1 else manifest["output"]["labels"]
    return labels


def _metadata(manifest: Json) -> Json:
    """What the operator copies into the routes."""
    found = {"labels": labels_of(manifest), "preprocessing": manifest["preprocessing"]}
    if manifest["schemaVersion"] == 1:
        return found
    output = {name: value for name, value in manifest["output"].items() if name != "labels"}
    return found | {"input": manifest["input"], "output": output}


def write(document: Json, path: Path) -> None:
    """By atomic rename, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(document, indent=2) + "\n")
    temporary.rename(path)
