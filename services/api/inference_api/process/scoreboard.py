"""What the workers of one gunicorn know of each other: a small file that is mapped into every process.

    header   magic, the owner's pid, a start id, the draining flag; of each slot the pid and the snapshot's number
    slot 0   the sum of what ended workers counted
    slot n   one worker: its newest snapshot, JSON

A worker writes a snapshot next to its previous one and then switches to it. So a reader never sees half of a snapshot,
even when the worker is killed while it writes. Slots are taken and given up under a file lock.
"""

import fcntl
import json
import mmap
import os
import secrets
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

FILE_NAME = "scoreboard"
_MAGIC = b"medinfer"
_HEADER = struct.Struct("@8sQ32sB")
_DRAINING_AT = _HEADER.size - 1
_WORD_BYTES = 8
# Pid and snapshot's number of every slot lie side by side: whoever looks for live workers touches one page of memory.
_TABLE_AT, _WORDS = 64, 2
_LENGTH = struct.Struct("@Q")
_SNAPSHOT_BYTES = 512 * 1024  # the file is sparse: what is not written takes no memory
_SLOT_BYTES = 2 * _SNAPSHOT_BYTES
SLOT_COUNT = 130  # slot 0, and 64 workers together with the ones that replace them
_HEADER_BYTES = _TABLE_AT + SLOT_COUNT * _WORDS * _WORD_BYTES

Json = dict[str, Any]


class ScoreboardFull(RuntimeError):
    """There are more workers than slots."""


class Scoreboard:
    """The mapped file. Every process opens it for itself, because forked descriptors share one lock."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and ValueError when the file is no scoreboard."""
        self._file = path.open("r+b")
        try:
            self._map = mmap.mmap(self._file.fileno(), _HEADER_BYTES + SLOT_COUNT * _SLOT_BYTES)
            magic, self.owner_pid, start_id, _ = _HEADER.unpack_from(self._map)
            if magic != _MAGIC:
                raise ValueError(f"{path} is not a scoreboard of this API")
            self.start_id: str = start_id.decode()
            # Whole words, stored at once. struct.pack_into writes zeros first, and a reader may see them.
            self._answers = memoryview(self._map).cast("Q")
        except ValueError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def create(cls, folder: Path) -> "Scoreboard":
        """A fresh scoreboard, owned by this process; one left by an earlier process is replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        path, temporary = folder / FILE_NAME, folder / f".{FILE_NAME}.{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(_HEADER.pack(_MAGIC, os.getpid(), secrets.token_hex(16).encode(), 0))
            file.truncate(_HEADER_BYTES + SLOT_COUNT * _SLOT_BYTES)
        temporary.rename(path)
        return cls(path)

    @classmethod
    def join(cls, folder: Path) -> "Scoreboard":
        """The scoreboard of the parent process, or a fresh one when the parent has none."""
        try:
            scoreboard = cls(folder / FILE_NAME)
        except (OSError, ValueError):
            return cls.create(folder)
        if scoreboard.owner_pid == os.getppid():
            return scoreboard
        scoreboard.close()
        return cls.create(folder)

    @property
    def draining(self) -> bool:
        """Whether the pod is about to end."""
        return self._map[_DRAINING_AT] != 0

    def start_draining(self) -> None:
        """Says to all workers that the pod is about to end."""
        self._map[_DRAINING_AT] = 1

    def claim(self, pid: int) -> Callable[[Mapping[str, Any]], None]:
        """Takes a slot for a worker; returns the function that publishes its snapshots. Raises ScoreboardFull."""
        with self._locked(fcntl.LOCK_EX):
            slot = next((slot for slot in range(1, SLOT_COUNT) if self._pid(slot) == 0), None)
            if slot is None:
                raise ScoreboardFull(f"all {SLOT_COUNT - 1} slots are taken")
            self._set_number(slot, 0)
            self._set_pid(slot, pid)
        return lambda snapshot: self._write(slot, snapshot)

    def retire(self, pid: int, fold: Callable[[Json, Json], Json]) -> None:
        """Frees the slot of a worker that ended; `fold(sum, snapshot)` keeps what it counted."""
        with self._locked(fcntl.LOCK_EX):
            for slot in range(1, SLOT_COUNT):
                if self._pid(slot) == pid:
                    self._write(0, fold(self._read(0) or {}, self._read(slot) or {}))
                    self._set_pid(slot, 0)

    def read(self) -> tuple[Json, list[Json | None]]:
        """What ended workers counted, and the snapshot of each live one, None where there is none yet."""
        with self._locked(fcntl.LOCK_SH):
            live = [self._read(slot) for slot in range(1, SLOT_COUNT) if self._pid(slot)]
            return self._read(0) or {}, live

    def close(self) -> None:
        """Unmaps the file."""
        self._answers.release()
        self._map.close()
        self._file.close()

    def _pid(self, slot: int) -> int:
        return self._answers[self._word(slot)]

    def _set_pid(self, slot: int, pid: int) -> None:
        self._answers[self._word(slot)] = pid

    def _number(self, slot: int) -> int:
        return self._answers[self._word(slot) + 1]

    def _set_number(self, slot: int, number: int) -> None:
        self._answers[self._word(slot) + 1] = number

    def _write(self, slot: int, snapshot: Mapping[str, Any]) -> None:
        data = json.dumps(snapshot, separators=(",", ":")).encode()
        if len(data) > _SNAPSHOT_BYTES - _LENGTH.size:
            raise ValueError(f"a snapshot of {len(data)} bytes; there is room for {_SNAPSHOT_BYTES - _LENGTH.size}")
        number = self._number(slot)
        start = self._snapshot_at(slot, number + 1)
        _LENGTH.pack_into(self._map, start, len(data))
        self._map[start + _LENGTH.size : start + _LENGTH.size + len(data)] = data
        self._set_number(slot, number + 1)

    def _read(self, slot: int) -> Json | None:
        while True:
            number = self._number(slot)
            if number == 0:
                return None
            start = self._snapshot_at(slot, number)
            (length,) = _LENGTH.unpack_from(self._map, start)
            data = self._map[start + _LENGTH.size : start + _LENGTH.size + length]
            if self._number(slot) == number:  # else it may have been overwritten meanwhile
                snapshot: Json = json.loads(data)
                return snapshot
            time.sleep(0)

    def _word(self, slot: int) -> int:
        return _TABLE_AT // _WORD_BYTES + slot * _WORDS

    def _snapshot_at(self, slot: int, number: int) -> int:
        return _HEADER_BYTES + slot * _SLOT_BYTES + number % 2 * _SNAPSHOT_BYTES

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        fcntl.flock(self._file, kind)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
