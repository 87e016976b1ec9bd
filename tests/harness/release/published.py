"""medinfer as somebody gets it who has no checkout: from a registry with TLS and passwords, signed by a key."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci import version
from ci.cluster.configuration import REGISTRIES
from ci.cluster.nodes import FIRST
from ci.stack.certificates import Authority
from ci.stack.control_plane import binary
from ci.stack.folders import ROOT
from ci.stack.registry import Registry
from tests.harness.release.release import run

USER, PASSWORD = "publisher", "for-the-tests"
RUN = ("medinfer-api", "medinfer-operator", "medinfer-triton-cpu")
MAKE_SECONDS = 900  # where images must be built first


class Published:
    """A registry with a release, and the keys of who publishes there. `folder` holds all of it.

    `hospital` is another registry, which is empty. Pods and the node reach both.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority = Authority(folder / "pki")
        self.registry, self.hospital = (
            Registry(folder / name, FIRST.address, authority=authority, users={USER: PASSWORD})
            for name in ("registry", "hospital")
        )
        self.path, self.hospital_path = f"{self.registry.host}/medinfer", f"{self.hospital.host}/medinfer"
        self.key, self.public = folder / "cosign.key", folder / "cosign.pub"

    @property
    def chart(self) -> str:
        """What helm installs, of the version in this checkout."""
        return f"oci://{self.path}/charts/medinfer"

    def image(self, name: str) -> str:
        return f"{self.path}/{name}:{version.current()}"

    def push_bundle(self, bundle: Path) -> str:
        """Its address, oci://...@sha256:..., as modelctl prints it."""
        command = [
            sys.executable,
            "-m",
            "modelctl",
            "push",
            str(bundle),
            f"oci://{self.registry.host}/models/resnet_medical",
        ]
        said = run_in(ROOT, *command, "--ca", str(self.registry.certificate))
        return said.splitlines()[0].removeprefix("uri: ")

    def gather(self, archive: Path, *bundles: Path) -> None:
        command = [sys.executable, "-m", "ci.release", "gather", "--registry", self.path, "--key", str(self.public)]
        run_in(ROOT, *command, "--to", str(archive), *map(str, bundles))

    def make_keys(self) -> None:
        run_in(self.folder, "cosign", "generate-key-pair")

    def publish(self) -> str:
        command = [sys.executable, "-m", "ci.release", "publish", "--registry", self.path, "--key", str(self.key)]
        return run_in(ROOT, *command, "--dirty")

    def verify(self, key: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ci.release", "verify", "--registry", self.path]
        command += ["--key", str(key or self.public)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    def pull(self) -> Path:
        """The chart's folder, unpacked, with values-cpu.yaml in it."""
        target = self.folder / "pulled"
        if not target.exists():
            run_in(self.folder, "helm", "pull", self.chart, "--untar", "--untardir", str(target))
        return target / "medinfer"

    def write_provenance(self, image: str) -> Path:
        """The predicate that its attestation has, in a file."""
        lines = run_in(self.folder, "cosign", "download", "attestation", self.image(image)).splitlines()
        statements = [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in lines]
        (predicate,) = (one["predicate"] for one in statements if "slsa.dev/provenance/v1" in one["predicateType"])
        path = self.folder / "provenance.json"
        path.write_text(json.dumps(predicate))
        return path

    def digest(self, image: str) -> str:
        """sha256:... of the image in this version."""
        return (self._tags(image) / version.current() / "current" / "link").read_text()

    def names(self, path: str) -> list[str]:
        """Of the images that the chart runs, below this path of a registry."""
        return [f"{path}/{image}@{self.digest(image)}" for image in RUN]

    def remove_tag(self, image: str, kind: str) -> str:
        """Of its signature (`sig`) or its attestations (`att`), by hand in the registry's files; the image's name."""
        digest = self.digest(image)
        shutil.rmtree(self._tags(image) / f"{digest.replace(':', '-')}.{kind}")
        return f"{self.path}/{image}@{digest}"

    def retag_chart(self, tag: str) -> None:
        """One more tag for the signed chart."""
        tags = self._tags("charts/medinfer")
        shutil.copytree(tags / version.current(), tags / tag)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """What is changed of tags meanwhile is as before afterwards."""
        names = self._content / "repositories"
        shutil.copytree(names, self.folder / "kept")
        try:
            yield
        finally:
            shutil.rmtree(names)
            shutil.move(self.folder / "kept", names)

    @property
    def _content(self) -> Path:
        return self.registry.content / "docker" / "registry" / "v2"

    def _tags(self, image: str) -> Path:
        return self._content / "repositories" / "medinfer" / image / "_manifests" / "tags"

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Both run; this process and its children log in there, and the node trusts their certificates."""
        before = dict(os.environ)
        os.environ |= {
            "SSL_CERT_FILE": str(self.registry.certificate),
            "DOCKER_CONFIG": str(log_in(self.folder / "docker", self.registry.host, self.hospital.host)),
            "COSIGN_PASSWORD": "",
        }
        try:
            with trusted(self.registry), trusted(self.hospital):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def trusted(registry: Registry) -> Iterator[None]:
    """It runs, and the node trusts its certificate."""
    folder = REGISTRIES / registry.host
    folder.mkdir(parents=True)
    (folder / "hosts.toml").write_text(f'[host."{registry.url}"]\n  ca = "{registry.certificate}"\n')
    try:
        with registry:
            yield
    finally:
        shutil.rmtree(folder)


def log_in(folder: Path, *hosts: str) -> Path:
    """As `docker login` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": secret} for host in hosts}}))
    return folder


def run_in(folder: Path, program: str, *arguments: str) -> str:
    """Standard output; raises AssertionError with what it said. program: a path, or one that ci/cluster/build makes."""
    path = program if "/" in program else str(binary(program))
    done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, timeout=MAKE_SECONDS)
    assert done.returncode == 0, f"{program} {' '.join(arguments[:3])}: {done.stdout}{done.stderr}"
    return done.stdout


def prepare(namespace: str, registry: Registry) -> dict[str, str]:
    """A namespace with what kubelet and agents log in with, and whom they trust; the chart's values for it."""
    run("kubectl", "create", "namespace", namespace)
    create = ("kubectl", "--namespace", namespace, "create")
    given = (f"--docker-server={registry.host}", f"--docker-username={USER}", f"--docker-password={PASSWORD}")
    run(*create, "secret", "docker-registry", "registry-login", *given)
    run(*create, "configmap", "authorities", f"--from-file=ca.crt={registry.certificate}")
    return {
        "image.pullSecrets[0]": "registry-login",
        "triton.agent.pullSecretName": "registry-login",
        "caConfigMapName": "authorities",
        "triton.agent.allowedPrefixes[0]": f"oci://{registry.host}/models/",
    }
