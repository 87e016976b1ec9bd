"""Whole bundles with one mutated file, and whether the agent would take them."""

import contextlib
import hashlib
import io
import json
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from modelctl.bundle import config, config_fields
from modelctl.bundle.errors import InvalidBundle
from replica_agent.bundles import Bundles

from tests.harness.hostile import mutant_judges, mutants


def walk(contents: Mapping[str, bytes], zips: int, graphs: int, seed: int) -> Counter[str]:
    """Shows the agent's cache every mutant. Returns how many were taken and refused; fails for one that is hostile."""
    kinds: list[tuple[str, Iterable[bytes]]] = [
        ("config.pbtxt", mutants.configs(contents["config.pbtxt"])),
        ("golden.npz", islice(mutants.zips(contents["golden.npz"], seed), zips)),
        ("model.onnx", islice(mutants.graphs(contents["model.onnx"], seed), graphs)),
    ]
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        cache = Bundles(Path(folder, "cache"))
        for name, changed in kinds:
            for data in changed:
                taken = _is_taken(cache, {**contents, name: data})
                seen[f"{name} {'taken' if taken else 'refused'}"] += 1
                if taken:
                    assert _hostile(name, data) == [], data
    return seen


def _hostile(name: str, data: bytes) -> list[str]:
    if name == "config.pbtxt":
        return sorted(mutant_judges.fields_of_config(data) - config_fields.FIELDS.keys())
    if name == "golden.npz":
        return mutant_judges.problems_of_zip(data)
    return mutant_judges.problems_of_graph(data)


def _is_taken(cache: Bundles, contents: Mapping[str, bytes]) -> bool:
    data, found = tar_of(contents), json.loads(contents["model.json"])
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with cache.partial() as partial:
        partial.write_bytes(data)
        try:
            cache.add(partial, digest, found["model"], found["version"])
        except InvalidBundle as error:
            assert "\n" not in str(error) and len(str(error)) < 400
            return False
    cache.discard(digest)
    return True


def tar_of(contents: Mapping[str, bytes]) -> bytes:
    """A tar that says the truth about the hashes of its files."""
    document = json.loads(contents["model.json"])
    for name in document["files"]:
        document["files"][name] = {"sha256": hashlib.sha256(contents[name]).hexdigest(), "bytes": len(contents[name])}
    with contextlib.suppress(InvalidBundle):  # it is refused for what it is
        document["configSha256"] = config.config_sha256(contents["config.pbtxt"])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted({**contents, "model.json": json.dumps(document).encode()}.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
