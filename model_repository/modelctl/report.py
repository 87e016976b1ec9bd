"""What the commands print: text for a person, JSON for a program."""

import json
from pathlib import Path
from typing import Any

from modelctl.bundle import inputs, manifest
from modelctl.bundle.contract import Output
from modelctl.bundle.manifest import Manifest


def manifest_json(found: Manifest, digest: str, path: Path) -> str:
    """model.json with the bundle's own digest and size, indented."""
    head = {"digest": digest, "bytes": path.stat().st_size}
    return json.dumps(head | manifest.to_json(found), indent=2)


def manifest_text(found: Manifest, digest: str) -> str:
    """A few aligned lines."""
    preprocessing, taken, given = found.preprocessing, found.contract.input, found.contract.output
    normal = f"(pixel * {preprocessing.scale:.8g} - {_numbers(preprocessing.mean)}) / {_numbers(preprocessing.std)}"
    kind = preprocessing.intensity.kind if preprocessing.intensity else "none (8-bit images only)"
    rows = [
        ("model", f"{found.model} version {found.version}"),
        ("digest", digest),
        *(("notice", found.provenance["notice"]) for _ in range("notice" in found.provenance)),
        ("input", f"{taken.name} FP32 {list(taken.shape)}, {'grey' if taken.shape[0] == 1 else 'red, green, blue'}"),
        ("output", f"{given.name} FP32 [{len(given.labels)}], activation {given.activation}"),
        ("thresholds" if given.thresholds else "labels", _labels(given)),
        *(("for", json.dumps(inputs.to_json(one))) for one in [found.contract.inputs] if one),
        ("preprocessing", f"resize to {taken.shape[1]}x{taken.shape[2]} ({preprocessing.resample}), {normal}"),
        ("intensity", kind),
        ("opset", str(found.opset)),
        ("memory", f"{found.memory_bytes / 2**20:.0f} MiB when loaded"),
        ("config sha256", found.config_sha256),
        *((name, f"{entry.bytes:,} bytes, sha256 {entry.sha256}") for name, entry in found.files.items()),
        *((key, value) for key, value in sorted(found.provenance.items()) if key != "notice"),
    ]
    return "\n".join(f"{name:<15} {printable(value)}" for name, value in rows)


def accuracy_text(report: dict[str, Any]) -> str:
    """Held-out accuracies and agreement of the two demonstration versions."""
    lines = [f"{'held out':<22}{'all':>8}" + "".join(f"{label:>12}" for label in report["agreement_per_class"])]
    for version, name in ((1, "stable"), (2, "better")):
        lines.append(_row(f"version {version} accuracy", report["accuracy"][name], report["accuracy_per_class"][name]))
    lines.append(_row("agreement", report["agreement"], report["agreement_per_class"]))
    return "\n".join(lines)


def printable(text: str) -> str:
    """Free text of an untrusted bundle, without characters that control a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _row(name: str, share: float, per_class: dict[str, float]) -> str:
    return f"{name:<22}{share:>8.1%}" + "".join(f"{value:>12.1%}" for value in per_class.values())


def _labels(output: Output) -> str:
    thresholds = [f" {value:g}" for value in output.thresholds] or [""] * len(output.labels)
    return ", ".join(f"{label}{threshold}" for label, threshold in zip(output.labels, thresholds, strict=True))


def _numbers(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else f"[{', '.join(f'{value:g}' for value in values)}]"
