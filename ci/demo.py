"""The whole data path on one machine: two Triton replicas with their agents, the API, one prediction.

No Kubernetes: plan and routes, which the operator writes on a cluster, are files here. Ctrl-C ends every process.
"""

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from modelctl.demo.models import Model

from ci.stack import documents
from ci.stack.api import Api
from ci.stack.folders import ROOT
from ci.stack.processes import ProcessEnded
from ci.stack.replica import Replica

FOLDER = ROOT / ".demo"
BIND = "127.0.0.1:8002"
ADDRESSES = ("127.0.0.11", "127.0.0.12")


@dataclass(frozen=True)
class Sample:
    """A file among the bundles' samples, and what must be said of it."""

    file: str
    diagnosis: str


GLIOMA = Sample("glioma-1.png", "Glioma")
SAMPLES = {
    Model.RESNET50: GLIOMA,
    Model.TINY: GLIOMA,
    Model.CHEST: Sample("cardiomegaly-effusion-1.png", "Cardiomegaly, Effusion"),
}


class WrongAnswer(Exception):
    """The model names something else than what was drawn."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end after the first prediction")
    parser.add_argument(
        "--model",
        choices=[model.value for model in Model],
        default=Model.RESNET50.value,
        help="; ".join(f"{model}: {model.summary}" for model in Model) + "; default: %(default)s",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.suppress(KeyboardInterrupt):
        try:
            run(Model(options.model), options.once)
        except (ProcessEnded, WrongAnswer) as error:
            sys.exit(f"demo: {error}")


def run(model: Model, once: bool) -> None:
    folder = FOLDER if model is Model.RESNET50 else FOLDER / model
    bundles, sample = make_bundles(model, folder / "bundles"), SAMPLES[model]
    image = folder / "bundles" / "samples" / sample.file
    replicas = [Replica(f"triton-{n}", address, folder / f"triton-{n}") for n, address in enumerate(ADDRESSES)]
    api = Api("api", BIND, folder)
    with contextlib.ExitStack() as running:
        say("Two Triton replicas load, check and warm version 1 ...")
        follow(replicas, stable=bundles[0])
        api.follow(routes(replicas, bundles[:1]))
        for replica in replicas:
            running.enter_context(replica)
        wait_until_warm(replicas, 1)
        running.enter_context(api)
        api.wait_until_serving()
        show_prediction(api.url, image, sample.diagnosis)
        if once:
            return
        say("\nNow version 2 alongside it ...")
        follow(replicas, stable=bundles[0], canary=bundles[1])
        wait_until_warm(replicas, 2)
        api.follow(routes(replicas, bundles))
        show_what_next(api, folder, image)
        signal.pause()


def follow(replicas: list[Replica], stable: Path, canary: Path | None = None) -> None:
    """Two batch sizes of warm-up rather than all: without a GPU each takes seconds."""
    for replica in replicas:
        replica.follow(documents.build_plan(stable, canary, warmup=documents.Warmup((1, 4), 60)))


def routes(replicas: list[Replica], bundles: list[Path]) -> documents.Json:
    """Version 1 at 100 %, and version 2 at 0 % once it is there."""
    versions = list(range(1, len(bundles) + 1))
    return documents.build_routes([(replica.name, replica.url, versions) for replica in replicas], *bundles)


def make_bundles(model: Model, folder: Path) -> list[Path]:
    """Versions 1 and 2; those of ResNet50 take a minute or two the first time, nothing later."""
    say("Demonstration bundles (not for clinical use) ...")
    command = [sys.executable, "-m", "modelctl.main", "demo", "--model", model, "--out", str(folder)]
    subprocess.run(command, check=True)
    listed = json.loads((folder / "demo.json").read_text())["bundles"]
    return [folder / bundle["file"] for bundle in listed]


def wait_until_warm(replicas: list[Replica], version: int) -> None:
    for replica in replicas:
        replica.wait_until_ready(f"{replica.agent_url}/versions/{version}", 300)


def show_prediction(url: str, sample: Path, expected: str) -> None:
    """Raises httpx.HTTPStatusError when the API does not answer 200, WrongAnswer when it says something else."""
    with sample.open("rb") as image:
        answer = httpx.post(f"{url}/predict", files={"image": image}, timeout=30).raise_for_status().json()
    certainty = "" if "findings" in answer else f", {answer['confidence']:.1%} confident"
    say(f"\n{sample.relative_to(ROOT)}\n  {diagnosis(answer)}{certainty}", end="")
    say(f" (version {answer['model_version']}, {answer['latency_ms']:.1f} ms)")
    for label, probability in answer["probabilities"].items():
        say(f"  {label:14}{probability:6.1%} {'#' * round(40 * probability)}")
    say("  Demonstration weights, not for clinical use.")
    if diagnosis(answer) != expected:
        raise WrongAnswer(f"{sample.name} shows {expected}, but the model says {diagnosis(answer)}")


def diagnosis(answer: documents.Json) -> str:
    """The class that was named, or the findings of a model that names several."""
    if "findings" in answer:
        return ", ".join(answer["findings"]) or "No finding"
    return str(answer["prediction"])


def show_what_next(api: Api, folder: Path, sample: Path) -> None:
    routes = api.routes_file.relative_to(ROOT)
    say(f"\nThe page:       {api.url}/")
    say(f"By hand:        curl -F image=@{sample.relative_to(ROOT)} {api.url}/predict")
    say(f"Counts:         curl {api.inner_url}/routes, or {api.inner_url}/metrics for Prometheus")
    say(f"Move weight:    edit {routes}: set stable's weight to 50 and canary's to 50; the API follows at once")
    say(f"Logs:           {folder.relative_to(ROOT)}/*/agent.log, {api.log.relative_to(ROOT)}")
    say("Ctrl-C ends everything.")


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


if __name__ == "__main__":
    main()
