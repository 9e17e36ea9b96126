"""The data folder: its layout, its creation, and the lock that keeps two programs from using it at once."""

import os
import secrets
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from crampwatch.protocol.errors import UnavailableError

__all__ = ["DataFolder", "FolderLock"]

_FOLDERS: Final = ("sessions", "broker", "detector", "calibrations", "final", "logs", "page", "cache", "deleted")
_FILES: Final = ("store*.sqlite*", "home.json", "bonds.json", "sensor-bonds.json")
"""What `DataFolder.clear` removes; secrets and the name of the installation stay."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder, which need not exist yet. docs/operations.md lists its contents."""

    root: Path

    @property
    def sessions(self) -> Path:
        """Session files."""
        return self.root / "sessions"

    @property
    def store(self) -> Path:
        """The embedded store: features, temperatures, episodes."""
        return self.root / "store.sqlite"

    @property
    def bonds(self) -> Path:
        """Keys shared with paired sensors."""
        return self.root / "bonds.json"

    @property
    def sensor_bonds(self) -> Path:
        """Keys shared with paired collectors, on the side of simulated sensors."""
        return self.root / "sensor-bonds.json"

    @property
    def broker(self) -> Path:
        """Secrets and stored messages of the embedded broker."""
        return self.root / "broker"

    @property
    def detector(self) -> Path:
        """The detector's checkpoints."""
        return self.root / "detector"

    @property
    def calibrations(self) -> Path:
        """Personal calibrations, one file each."""
        return self.root / "calibrations"

    @property
    def finals(self) -> Path:
        """Results of final analyses, see `final_analysis.files`."""
        return self.root / "final"

    @property
    def home(self) -> Path:
        """Tonight's count of cramps, as published to Home Assistant."""
        return self.root / "home.json"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def page(self) -> Path:
        """Settings made on the page: alarms, names of sensors."""
        return self.root / "page"

    @property
    def secrets(self) -> Path:
        """The secret with which visitors from other machines log in to the page."""
        return self.root / "secrets.toml"

    @property
    def _installation(self) -> Path:
        return self.root / "installation"

    def client_id(self, stage: str) -> str:
        """Return the MQTT client id of a stage: the same after every restart, and different in every data folder.

        A broker stores messages for a client by this id, and disconnects the first of two clients with the same id. It
        has at most the 23 characters that every broker must accept (MQTT 3.1.1, 3.1.3.1).

        Raises:
            UnavailableError: The folder cannot be written to.
        """
        return f"cw-{stage}-{self._installation_name()}"

    def _installation_name(self) -> str:
        """Return the random name of this folder, created once.

        Stages that start at the same time agree on one: only one of them can link its draft to the file.
        """
        draft = self.root / f".installation.{secrets.token_hex(4)}"
        try:
            if not self._installation.exists():
                draft.write_text(secrets.token_hex(4), "ascii")
                with suppress(FileExistsError):
                    os.link(draft, self._installation)
                draft.unlink()
            return self._installation.read_text("ascii")
        except OSError as error:
            raise UnavailableError(
                f"The name of this installation cannot be saved in {self.root}: {error.strerror or error}.",
                advice="Choose another data folder by --data, or check permissions and free space.",
            ) from error

    def part(self, name: str) -> "DataFolder":
        """Return the data folder of demos or replays within this one: their data never mixes with real nights."""
        return DataFolder(self.root / name)

    def create(self) -> None:
        """Create the folder, readable by its owner only, and check that it is writable.

        Raises:
            UnavailableError: It cannot be created or written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.logs.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as probe:  # not of a fixed name: stages start at the same time
                probe.write(b"crampwatch")
        except OSError as error:
            raise UnavailableError(
                f"The data folder {self.root} is not writable: {error.strerror or error}.",
                advice="Choose another one by --data, or check permissions and free space.",
            ) from error

    def clear(self) -> None:
        """Remove the data of an earlier run; files that are not ours stay.

        Raises:
            UnavailableError: Something cannot be removed.
        """
        try:
            for name in _FOLDERS:
                if (self.root / name).exists():
                    shutil.rmtree(self.root / name)
            for pattern in _FILES:
                for path in self.root.glob(pattern):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"The data of an earlier run in {self.root} cannot be removed: {error}.",
                advice="Remove the folder by hand, or choose another one by --data.",
            ) from error


class FolderLock:
    """Held by the program that uses a data folder; the operating system releases it when the program dies.

    It is SQLite's exclusive lock on an empty database, as for session files: one implementation for every platform.

    Args:
        folder: Must exist.

    Raises:
        UnavailableError: Another program holds it.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._connection = sqlite3.connect(folder.root / ".lock", timeout=0, isolation_level=None)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise UnavailableError(
                f"Another crampwatch is using {folder.root}.",
                advice="Stop it first, or choose another folder by --data.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):  # closing releases the lock whether or not this succeeds
            self._connection.execute("ROLLBACK")
        self._connection.close()
