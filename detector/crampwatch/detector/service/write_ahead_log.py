"""Log of the steps since the last checkpoint, in a file of fixed size that is written in place.

The checkpoint of a stream has 70 kB; the blocks of one second have 4 kB, compressed 2 kB. So each second only the
blocks are written, and the complete state every two minutes. After a kill the detector analyses the blocks of the log
again and is in exactly the state it was in.

The file never grows, so a write changes nothing in the file system's own records, which would wear a memory card more
than the data itself.

Layout: entries one after the other from the start of the file, each with its length (u32), the CRC-32 of its body (u32)
and the body: zlib of msgpack of the entry's number and its steps. Numbers grow by one from entry to entry and are never
used twice, so entries of an earlier pass over the file are recognised by a number that does not follow.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

__all__ = ["LoggedStep", "StepLog", "StreamKey"]

LOG_BYTES: Final = 1 << 20
"""Nine minutes of one sensor. With more than four it is full before two minutes are over, and the complete state is
saved earlier."""
_WRITE_BYTES: Final = 4096
_HEAD_BYTES: Final = 8
_STEP_BYTES: Final = 64
"""Upper bound of the encoded size of a step without its payload and the sensor's id."""


class StreamKey(NamedTuple):
    """Identifies a stream of one boot of a sensor."""

    sensor: str
    boot_id: int
    stream: int


class LoggedStep(NamedTuple):
    """One step of a stream's analysis.

    Attributes:
        key: The stream.
        what: A block of samples, a skin temperature, or the end of the session.
        payload: The block or message as published; empty for the end.
    """

    key: StreamKey
    what: Literal["block", "temperature", "end"]
    payload: bytes = b""


class StepLog:
    """The log. A checkpoint that was saved at the number of an entry includes all entries up to it.

    It may be used from any thread, by one at a time.

    Args:
        path: The file; created if missing.
        size_bytes: Size of the file.
        after: Number of the newest checkpoint; the log may have newer entries.
    """

    def __init__(self, path: Path, *, size_bytes: int = LOG_BYTES, after: int = 0) -> None:
        path.touch(mode=0o600)
        self._file = path.open("r+b", buffering=0)
        self._size_bytes = size_bytes
        if os.fstat(self._file.fileno()).st_size != size_bytes:
            self._file.truncate(0)
            # Filled, so that no later write needs free space on the disk; in small writes, because Linux would cache a
            # large one as one piece, and write all of it again with each entry.
            for start in range(0, size_bytes, _WRITE_BYTES):
                self._file.write(bytes(min(_WRITE_BYTES, size_bytes - start)))
            os.fsync(self._file.fileno())
        self._offset, self._number = 0, 0
        for number, _ in self._entries():
            self._number = number
        self._number = max(self._number, after)

    @property
    def number(self) -> int:
        """Number of the newest entry."""
        return self._number

    def read(self) -> list[tuple[int, LoggedStep]]:
        """Return the steps of all valid entries with the entry's number, the oldest first."""
        return [(number, step) for number, steps in self._entries() for step in steps]

    def has_room(self, steps: Sequence[LoggedStep]) -> bool:
        """Whether steps fit, even if they cannot be compressed."""
        size = sum(len(step.payload) + len(step.key.sensor) + _STEP_BYTES for step in steps)
        return self._offset + _HEAD_BYTES + size + size // 1000 <= self._size_bytes

    def append(self, steps: Sequence[LoggedStep]) -> None:
        """Write steps as the next entry; returns when it is on disk. There must be room.

        Raises:
            OSError: The disk cannot be written.
        """
        body = zlib.compress(msgspec.msgpack.encode((self._number + 1, steps)), 1)
        entry = len(body).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little") + body
        self._file.seek(self._offset)
        self._file.write(entry)
        _sync(self._file.fileno())
        self._offset += len(entry)
        self._number += 1

    def rewind(self) -> None:
        """Start at the beginning of the file again: all entries are included in checkpoints now."""
        self._offset = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _entries(self) -> Iterator[tuple[int, list[LoggedStep]]]:
        """Yield entries up to the first that is incomplete or does not follow the one before; note where they end."""
        self._file.seek(0)
        content = self._file.read(self._size_bytes)
        self._offset, last = 0, None
        while body := _body_at(content, self._offset):
            try:
                number, steps = _DECODER.decode(zlib.decompress(body))
            except msgspec.MsgspecError:
                return  # written by another version
            if last is not None and number != last + 1:
                return
            yield number, steps
            last = number
            self._offset += _HEAD_BYTES + len(body)


def _body_at(content: bytes, offset: int) -> bytes:
    """Return the body of the entry at an offset; empty if there is no valid one."""
    size = int.from_bytes(content[offset : offset + 4], "little")
    body = content[offset + _HEAD_BYTES : offset + _HEAD_BYTES + size]
    is_valid = len(body) == size and zlib.crc32(body) == int.from_bytes(content[offset + 4 : offset + 8], "little")
    return body if is_valid else b""


def _sync(file: int) -> None:
    """Wait until the data is on disk; the dates of the file do not matter."""
    getattr(os, "fdatasync", os.fsync)(file)


_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, list[LoggedStep]])
