"""What was taken since the last checkpoint: a log of a fixed size, so that a moment costs one small write in place.

A checkpoint of a stream is 70 kB, what a stream brings in a second 4 kB and packed 2 kB. So a second is acknowledged
once its blocks are in this log, and the state itself is kept every two minutes; after a kill the detector takes the
blocks of the log again and is where it was, to the bit. The file never grows, so a write does not touch the file
system's own records, which wears a memory card more than the data.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

__all__ = ["LoggedStep", "StepLog", "StreamKey"]

LOG_BYTES: Final = 1 << 20
"""Nine minutes of one sensor; with more sensors than four it is full before the two minutes are over."""
_BLOCK_OCTETS: Final = 4096
_HEAD_OCTETS: Final = 8
_STEP_OCTETS: Final = 64
"""More than what a step takes beside its payload and the sensor's name."""


class StreamKey(NamedTuple):
    """Which stream, of which boot of which sensor."""

    sensor: str
    boot_id: int
    stream: int


class LoggedStep(NamedTuple):
    """One step of a stream's analysis, in the order it was made.

    Attributes:
        key: The stream.
        what: A block of samples, a skin temperature, or the end.
        payload: The block or message as published; empty for the end.
    """

    key: StreamKey
    what: Literal["block", "temperature", "end"]
    payload: bytes = b""


class StepLog:
    """The log. Entries are numbered; a checkpoint made at a number holds all entries up to it.

    May be used from any thread, by one at a time.

    Args:
        path: Made where it is missing.
        octets: Size of the file.
        after: Number up to which everything is in checkpoints, as these say; the log may know of more.
    """

    def __init__(self, path: Path, *, octets: int = LOG_BYTES, after: int = 0) -> None:
        path.touch(mode=0o600)
        self._file = path.open("r+b", buffering=0)
        self._octets = octets
        if os.fstat(self._file.fileno()).st_size != octets:
            self._file.truncate(0)
            # Written, so that no later write has to find room on the disk; a block at a time, since Linux would cache
            # a single large write as one piece, and count all of it as written again with each entry.
            for begin in range(0, octets, _BLOCK_OCTETS):
                self._file.write(bytes(min(_BLOCK_OCTETS, octets - begin)))
            os.fsync(self._file.fileno())
        self._place, self._number = 0, 0
        for number, _ in self._entries():
            self._number = number
        self._number = max(self._number, after)

    @property
    def number(self) -> int:
        """Number of the newest entry."""
        return self._number

    def read(self) -> list[tuple[int, LoggedStep]]:
        """Return all entries still there with their numbers, the oldest first."""
        return [(number, step) for number, steps in self._entries() for step in steps]

    def has_room(self, steps: Sequence[LoggedStep]) -> bool:
        """Whether steps fit, however badly they can be packed."""
        most = sum(len(step.payload) + len(step.key.sensor) + _STEP_OCTETS for step in steps)
        return self._place + _HEAD_OCTETS + most + most // 1000 <= self._octets

    def append(self, steps: Sequence[LoggedStep]) -> None:
        """Keep steps durably under the next number; there has to be room.

        Raises:
            OSError: The disk refuses.
        """
        body = zlib.compress(msgspec.msgpack.encode((self._number + 1, steps)), 1)
        entry = len(body).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little") + body
        self._file.seek(self._place)
        self._file.write(entry)
        _sync(self._file.fileno())
        self._place += len(entry)
        self._number += 1

    def rewind(self) -> None:
        """Begin at the front again: everything is in checkpoints now."""
        self._place = 0

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _entries(self) -> Iterator[tuple[int, list[LoggedStep]]]:
        """Yield entries up to the first that is torn, or older than the one before it; remember where they end."""
        self._file.seek(0)
        content = self._file.read(self._octets)
        self._place, last = 0, None
        while body := _body_at(content, self._place):
            try:
                number, steps = _DECODER.decode(zlib.decompress(body))
            except msgspec.MsgspecError:
                return  # of another version
            if last is not None and number != last + 1:
                return
            yield number, steps
            last = number
            self._place += _HEAD_OCTETS + len(body)


def _body_at(content: bytes, place: int) -> bytes:
    size = int.from_bytes(content[place : place + 4], "little")
    body = content[place + _HEAD_OCTETS : place + _HEAD_OCTETS + size]
    is_whole = len(body) == size and zlib.crc32(body) == int.from_bytes(content[place + 4 : place + 8], "little")
    return body if is_whole else b""


def _sync(file: int) -> None:
    """Wait until the octets are on the disk; the file's own dates may come later."""
    getattr(os, "fdatasync", os.fsync)(file)


_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, list[LoggedStep]])
