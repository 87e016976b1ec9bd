"""A container registry as a process: distribution, which `ci/cluster/build registry` makes."""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt

from ci.stack.certificates import Authority
from ci.stack.control_plane import ADDRESS, binary, free_ports
from ci.stack.processes import Process


class Registry(Process):
    """Keeps all it gets in `content`. `host`: what names of images begin with, as in 127.0.0.1:20001.

    `authority`: signs its certificate; without one it speaks plain HTTP. `users`: passwords by name; without any
    everybody may pull and push. `port`: 0 takes a free one. `settings`: more of distribution's configuration.
    """

    def __init__(
        self,
        folder: Path,
        address: str = ADDRESS,
        port: int = 0,
        authority: Authority | None = None,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.host = f"{address}:{port or free_ports(1)[0]}"
        self.url = f"{'https' if authority else 'http'}://{self.host}"
        self.content = folder / "content"
        self.certificate = authority.certificate if authority else None
        folder.mkdir(parents=True, exist_ok=True)
        configuration = _configuration(self.content, self.host)
        if authority:
            certificate, key = authority.issue("registry", addresses=(address,))
            configuration["http"]["tls"] = {"certificate": str(certificate), "key": str(key)}
        if users:
            configuration["auth"] = {"htpasswd": {"realm": "registry", "path": str(_htpasswd(folder, users))}}
        file = folder / "registry.yaml"
        file.write_text(json.dumps(configuration | dict(settings or {})))  # JSON is YAML
        command = [str(binary("registry")), "serve", str(file)]
        super().__init__("registry", command, {"OTEL_TRACES_EXPORTER": "none"}, folder / "registry.log")

    def start(self) -> None:
        """Returns when it answers."""
        super().start()
        trusted = ssl.create_default_context(cafile=self.certificate) if self.certificate else None
        self.wait_until_ready(f"{self.url}/", 30, trusted)  # needs no password, which /v2/ does


def _configuration(content: Path, host: str) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(content)}, "delete": {"enabled": True}},
        "http": {"addr": host},
    }


def _htpasswd(folder: Path, users: Mapping[str, str]) -> Path:
    """The cheapest hashes that it takes: the passwords are a test's."""
    file = folder / "htpasswd"
    lines = [f"{name}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}" for name, word in users.items()]
    file.write_text("\n".join(lines) + "\n")
    return file
