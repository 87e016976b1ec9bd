"""A git repository whose commits Flux gets as source-controller would give them: an artifact behind an HTTP server."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Self

from ci.stack.cluster_objects import now
from ci.stack.kubernetes import Client, Json
from ci.stack.processes import Process
from tests.harness.flux import SOURCE

IDENTITY = ("-c", "user.name=Platform", "-c", "user.email=platform@hospital.example.org")


class GitSource:
    """The ExternalArtifact SOURCE, which always is the newest commit. The server listens while this is open."""

    def __init__(self, client: Client, namespace: str, folder: Path, address: str) -> None:
        self._client = client
        self._objects = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/externalartifacts"
        self.repository, self._served, self._url = folder / "repository", folder / "served", f"http://{address}:8090"
        command = [sys.executable, "-m", "http.server", "8090", "--bind", address, "--directory", str(self._served)]
        self._server = Process("artifacts", command, {}, folder / "artifacts.log")
        self._served.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main", str(self.repository), here=folder)

    def commit(self, message: str, files: dict[str, str]) -> str:
        """Its revision; `files`: path -> new content."""
        for path, content in files.items():
            file = self.repository / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._publish()

    def revert(self) -> str:
        """Takes the newest commit back by one of its own; its revision."""
        self._git("revert", "--no-edit", "HEAD")
        return self._publish()

    def _publish(self) -> str:
        commit = self._git("rev-parse", "HEAD").strip()
        file = self._served / f"{commit}.tar.gz"
        self._git("archive", "--format=tar.gz", f"--output={file}", "HEAD")
        content, revision = file.read_bytes(), f"main@sha1:{commit}"
        artifact = {
            "url": f"{self._url}/{file.name}",
            "path": file.name,
            "revision": revision,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "size": len(content),
            "lastUpdateTime": now(),
        }
        stored = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": now()}
        status = {"artifact": artifact, "conditions": [stored]}
        self._client.merge(f"{self._objects}/{SOURCE}/status", {"status": status})
        return revision

    def _git(self, *arguments: str, here: Path | None = None) -> str:
        command = ["git", *IDENTITY, *arguments]
        return subprocess.run(command, cwd=here or self.repository, check=True, capture_output=True, text=True).stdout

    def __enter__(self) -> Self:
        kind: Json = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact"}
        self._client.create(self._objects, kind | {"metadata": {"name": SOURCE}, "spec": {}})
        self._server.start()
        self._server.wait_until_ready(f"{self._url}/", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
