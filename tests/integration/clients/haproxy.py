"""A real HAProxy before the API: over plain HTTP, and over TLS, where clients may choose HTTP/2."""

from pathlib import Path

from ci.stack.certificates import Authority
from ci.stack.processes import Process
from tests.harness.programs import debian, find

_CONFIGURATION = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend plain
  bind {address}:8080
  default_backend api
frontend tls
  bind {address}:8443 ssl crt {folder}/server.pem alpn h2,http/1.1
  default_backend api
backend api
  server api {target}
"""


class Haproxy(Process):
    """Passes requests to `http` and `https` on to `target` (host:port). Clients trust `certificate`."""

    def __init__(self, address: str, target: str, folder: Path) -> None:
        self.http, self.https = f"http://{address}:8080", f"https://{address}:8443"
        authority = Authority(folder)
        self.certificate = authority.certificate
        certificate, key = authority.issue("haproxy", addresses=(address,))
        (folder / "server.pem").write_text(certificate.read_text() + key.read_text())
        configuration = folder / "haproxy.cfg"
        configuration.write_text(_CONFIGURATION.format(address=address, folder=folder, target=target))
        command = [find("haproxy", debian("haproxy")), "-db", "-f", str(configuration)]
        super().__init__("haproxy", command, {}, folder / "haproxy.log")
