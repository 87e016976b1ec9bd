"""Debian's Redis as a process."""

import itertools
import shutil
import socket
from pathlib import Path

from ci.stack.processes import Process
from ci.stack.waiting import wait_until

PROGRAM = "redis-server"  # also the name of Debian's package
PORT = 6379


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


class Redis(Process):
    """Without persistence: whoever kills it takes what it knew. Clients read its password from `password_file`."""

    def __init__(self, folder: Path, address: str, password: str = "for-the-tests") -> None:
        self.url, self.password_file = f"redis://{address}:{PORT}/0", folder / "redis-password"
        self._folder, self._address, self._password = folder, address, password
        options = {"--bind": address, "--save": "", "--requirepass": password, "--dir": str(folder)}
        command = [PROGRAM, *itertools.chain(*options.items())]
        super().__init__("redis", command, {}, folder / "redis.log")

    def start(self) -> None:
        self.password_file.write_text(f"{self._password}\n")
        super().start()
        wait_until(lambda: self.ask("PING").startswith("+PONG"), "Redis answers")

    def ask(self, command: str) -> str:
        """The first line of its answer; empty when there is none."""
        try:
            with socket.create_connection((self._address, PORT), timeout=5) as connection:
                connection.sendall(f"AUTH {self._password}\r\n{command}\r\n".encode())
                answers = b""
                while answers.count(b"\r\n") < 2:
                    if not (some := connection.recv(4096)):
                        return ""
                    answers += some
                return answers.split(b"\r\n")[1].decode()
        except OSError:
            return ""
