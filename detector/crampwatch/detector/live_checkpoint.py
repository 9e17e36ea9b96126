"""Checkpoints on disk: one file a stream, replaced whole or not at all."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from crampwatch.protocol.errors import UnavailableError

__all__ = ["CheckpointFolder", "StreamKey"]


class StreamKey(NamedTuple):
    """Which stream, of which boot of which sensor."""

    sensor: str
    boot_id: int
    stream: int


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """The folder checkpoints are kept in; a newer boot of a sensor replaces the older one's."""

    path: Path

    def load(self, key: StreamKey) -> bytes | None:
        """Return the checkpoint of a stream, or None where there is none of this boot."""
        try:
            return self._file(key).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, key: StreamKey, checkpoint: bytes) -> None:
        """Keep a checkpoint durably; returns when it is on the disk.

        Raises:
            UnavailableError: The folder cannot be written.
        """
        self._replace(self._file(key), checkpoint)

    def save_info(self, sensor: str, info: bytes) -> None:
        """Keep how a sensor introduced itself: after a restart its blocks may come before its introduction.

        Raises:
            UnavailableError: The folder cannot be written.
        """
        self._replace(self.path / f"{sensor}.info", info)

    def load_infos(self) -> list[bytes]:
        """Return all introductions kept."""
        return [path.read_bytes() for path in sorted(self.path.glob("*.info"))]

    def _replace(self, target: Path, content: bytes) -> None:
        fresh = target.with_name(f"{target.name}.new")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError as error:
            raise UnavailableError(
                f"The detector's state cannot be kept in {self.path}: {error.strerror}.",
                advice="Free some disk space or choose another data folder.",
            ) from error

    def forget_others(self, key: StreamKey) -> None:
        """Remove what earlier boots of the same sensor and stream left."""
        for old in self.path.glob(f"{key.sensor}.*.{key.stream}.state"):
            if old != self._file(key):
                old.unlink(missing_ok=True)

    def _file(self, key: StreamKey) -> Path:
        return self.path / f"{key.sensor}.{key.boot_id:08x}.{key.stream}.state"
