"""The chart on the cluster in use, with the images that were delivered and the demonstration bundles."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci.stack.errors import CommandFailed
from ci.stack.folders import CLUSTER, ROOT

HERE = Path(__file__).parent
CHART = ROOT / "charts" / "medinfer"
VALUES = (CHART / "values-cpu.yaml", HERE / "values.yaml")
NAMESPACE = "medinfer"
IMAGES = CLUSTER / "images" / "names.json"
BUNDLES = "http://bundles.bundles.svc"
# Agents may ask there.
STORE = {"triton.agent.allowedPrefixes[0]": f"{BUNDLES}/"}

# Which value of the chart names which image.
IMAGE_VALUES = {
    "medinfer-api": "api.image",
    "medinfer-operator": "operator.image",
    "medinfer-triton-cpu": "triton.image",
}


def install(model: str = "resnet50", version: int = 1, settings: Mapping[str, str] | None = None) -> None:
    """Installs or upgrades; returns when everything runs and the version is live. `settings`: more values."""
    images = known_images()
    serve_bundles(images["medinfer-bundles"])
    chosen = image_settings(images) | STORE | artifact_settings(model, version) | dict(settings or {})
    arguments = [part for setting in chosen.items() for part in ("--set", "=".join(setting))]
    files = [part for path in VALUES for part in ("--values", str(path))]
    helm = ("helm", "upgrade", "--install", "medinfer", str(CHART), *_in(NAMESPACE), "--create-namespace")
    print(run(*helm, *files, *arguments))
    run("kubectl", "wait", *_in(NAMESPACE), "--for=condition=Ready", "mro/resnet-medical", "--timeout=300s")


def remember_images(names: Mapping[str, str]) -> None:
    """What each image is called on the cluster in use."""
    IMAGES.parent.mkdir(parents=True, exist_ok=True)
    IMAGES.write_text(json.dumps(dict(names), indent=2) + "\n")


def known_images() -> dict[str, str]:
    """Raises CommandFailed when none were delivered yet."""
    try:
        names: dict[str, str] = json.loads(IMAGES.read_text())
    except FileNotFoundError:
        raise CommandFailed("no images were delivered to a cluster yet: run make cluster") from None
    return names


def image_settings(images: Mapping[str, str]) -> dict[str, str]:
    return {value: images[name] for name, value in IMAGE_VALUES.items()}


def artifact_settings(model: str, version: int) -> dict[str, str]:
    """model: `resnet50` or `tiny`."""
    listed = {one["version"]: one for one in bundle_index(model)["bundles"]}
    return {
        "rollout.version": str(version),
        "rollout.artifact.uri": f"{BUNDLES}/{model}/{listed[version]['file']}",
        "rollout.artifact.digest": listed[version]["digest"],
    }


def serve_bundles(image: str) -> None:
    """Returns when they can be fetched."""
    manifest = (HERE / "bundles.yaml").read_text().replace("image: medinfer-bundles", f"image: {image}")
    run("kubectl", "apply", "--server-side", "-f", "-", text=manifest)
    run("kubectl", *_in("bundles"), "rollout", "status", "deployment/bundles", "--timeout=120s")


def bundle_index(model: str) -> dict[str, Any]:
    """demo.json, through the API server: bundles are asked for by pods only."""
    path = f"/api/v1/namespaces/bundles/services/bundles:80/proxy/{model}/demo.json"
    index: dict[str, Any] = json.loads(run("kubectl", "get", "--raw", path))
    return index


def run(*command: str, text: str | None = None) -> str:
    """Where pods can be reached; raises CommandFailed with what the command said."""
    done = subprocess.run(
        [str(HERE / "enter"), *command], input=text, capture_output=True, text=True, env=os.environ | {"HOME": "/tmp"}
    )
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(command[:3])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _in(namespace: str) -> tuple[str, str]:
    return ("--namespace", namespace)
