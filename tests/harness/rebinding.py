"""A fetch in a network of its own, whose name server changes its mind between one lookup and the next.

`python -m tests.harness.rebinding FOLDER SITUATION ALLOW_LOCAL`, in a network and a mount namespace of its own, writes
`{"error": ..., "victims": ...}`: what the fetch said, and how many requests came to a local address.
"""

import json
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from pathlib import Path

from replica_agent.store.download import download
from replica_agent.store.errors import StoreError
from replica_agent.store.rules import Rules

PUBLIC, SHUT, LOOPBACK, METADATA = "203.0.113.7", "203.0.113.8", "127.0.0.1", "169.254.169.254"
PORT = 8000
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n"
TO_INNER = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: http://inner.test:8000/m\r\n\r\n"
# Situation -> what the public server answers, and what each lookup of a name finds; the last holds for those after.
SITUATIONS: dict[str, tuple[bytes, dict[str, list[list[str]]]]] = {
    "after-a-cut-loopback": (HEAD + b"bun", {"store.test": [[PUBLIC], [LOOPBACK]]}),
    "after-a-cut-metadata": (HEAD + b"bun", {"store.test": [[PUBLIC], [METADATA]]}),
    "after-a-redirect": (TO_INNER, {"store.test": [[PUBLIC]], "inner.test": [[LOOPBACK]]}),
    "both-at-once": (HEAD + b"bundle", {"store.test": [[SHUT, LOOPBACK]]}),
}


class NameServer(socketserver.ThreadingUDPServer):
    def __init__(self, found: dict[str, list[list[str]]]) -> None:
        self.found = found
        super().__init__((LOOPBACK, 53), Lookup)


class Lookup(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        query, reply = self.request
        end = query.index(0, 12) + 5
        question, kind = query[12:end], struct.unpack("!H", query[end - 4 : end - 2])[0]
        lookups = self.server.found.get(_name(question), [[]])
        addresses = [] if kind != 1 else lookups.pop(0) if len(lookups) > 1 else lookups[0]
        head = query[:2] + struct.pack("!5H", 0x8180, 1, len(addresses), 0, 0)
        records = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(one) for one in addresses]
        reply.sendto(head + question + b"".join(records), self.client_address)


def _name(question: bytes) -> str:
    labels, at = [], 0
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower()


class Http(socketserver.ThreadingTCPServer):
    def __init__(self, address: str, answer: bytes) -> None:
        self.answer, self.requests = answer, 0
        super().__init__((address, PORT), Answer)


class Answer(socketserver.BaseRequestHandler):
    server: Http

    def handle(self) -> None:
        self.server.requests += 1
        self.request.recv(65536)
        self.request.sendall(self.server.answer)


def main(folder: Path, situation: str, allow_local_addresses: bool) -> None:
    _enter(folder)
    answer, found = SITUATIONS[situation]
    victims = [Http(address, HEAD + b"secret") for address in (LOOPBACK, METADATA)]
    for server in (NameServer(found), Http(PUBLIC, answer), *victims):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    rules = Rules(("http://",), allow_local_addresses, timeout_seconds=30)
    error = ""
    try:
        download(
            f"http://store.test:{PORT}/m.tar",
            folder / "target",
            lambda received, total: None,
            rules,
            f"sha256:{0:064x}",
        )
    except StoreError as refused:
        error = str(refused)
    print(json.dumps({"error": error, "victims": sum(server.requests for server in victims)}))


def _enter(folder: Path) -> None:
    """The addresses, and the name server. Needs root, and namespaces of one's own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (PUBLIC, SHUT, METADATA):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    (folder / "resolv.conf").write_text(f"nameserver {LOOPBACK}\n")
    subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "true")
