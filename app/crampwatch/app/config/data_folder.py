"""The data folder: where everything that is kept lies, and the lock that keeps two programs from sharing it."""

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

_KEPT: Final = ("sessions", "broker", "detector", "calibrations", "final", "logs", "page", "cache", "deleted")
_PATTERNS: Final = ("store*.sqlite*", "home.json", "bonds.json", "sensor-bonds.json")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder, which need not exist yet.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def sessions(self) -> Path:
        """Session files."""
        return self.root / "sessions"

    @property
    def store(self) -> Path:
        """Embedded database of features, temperatures and episodes."""
        return self.root / "store.sqlite"

    @property
    def bonds(self) -> Path:
        """Keys shared with paired sensors."""
        return self.root / "bonds.json"

    @property
    def sensor_bonds(self) -> Path:
        """The simulated sensors' side of the same."""
        return self.root / "sensor-bonds.json"

    @property
    def broker(self) -> Path:
        """The embedded broker's secrets and stored messages."""
        return self.root / "broker"

    @property
    def detector(self) -> Path:
        """The detector's checkpoints."""
        return self.root / "detector"

    @property
    def calibrations(self) -> Path:
        """What wearers did to calibrate, one file each."""
        return self.root / "calibrations"

    @property
    def finals(self) -> Path:
        """Final episodes of each ended session, JSON Lines."""
        return self.root / "final"

    @property
    def home(self) -> Path:
        """The night's count of cramps, as told to Home Assistant."""
        return self.root / "home.json"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def page(self) -> Path:
        """What people set on the page: alarms, names of sensors."""
        return self.root / "page"

    @property
    def secrets(self) -> Path:
        """What visitors from other machines log in to the page with."""
        return self.root / "secrets.toml"

    @property
    def _installation(self) -> Path:
        return self.root / "installation"

    def client_id(self, stage: str) -> str:
        """Return what a stage of this folder calls itself at a broker: the same after every restart, and nobody else's.

        A broker keeps messages for a client by this name, and hangs up on the first where two use the same. It has no
        more than the 23 characters that every broker has to take.

        Raises:
            UnavailableError: The folder cannot be written to.
        """
        return f"cw-{stage}-{self._own_name()}"

    def _own_name(self) -> str:
        """Return this folder's name, made where there is none; stages that begin side by side agree on one."""
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
                f"The name of this installation cannot be kept in {self.root}: {error.strerror or error}.",
                advice="Choose another data folder by --data, or correct its permissions or free space.",
            ) from error

    def part(self, name: str) -> "DataFolder":
        """Return the folder of simulated or replayed data, which never mixes with real nights."""
        return DataFolder(self.root / name)

    def create(self) -> None:
        """Make the folder, readable by its owner only.

        Raises:
            UnavailableError: It cannot be made or written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.logs.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as probe:  # a name of its own: stages begin side by side
                probe.write(b"crampwatch")
        except OSError as error:
            raise UnavailableError(
                f"The data folder {self.root} cannot be written to: {error.strerror or error}.",
                advice="Choose another by --data, or correct its permissions or free space.",
            ) from error

    def clear(self) -> None:
        """Remove what an earlier run left in it; anything that is not ours stays.

        Raises:
            UnavailableError: Something cannot be removed.
        """
        try:
            for name in _KEPT:
                if (self.root / name).exists():
                    shutil.rmtree(self.root / name)
            for pattern in _PATTERNS:
                for path in self.root.glob(pattern):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"What an earlier run left in {self.root} cannot be removed: {error}.",
                advice="Remove the folder by hand, or choose another by --data.",
            ) from error


class FolderLock:
    """Held by the program that works in a data folder; the operating system drops it when the program dies.

    Like the session file's, it is SQLite's exclusive lock on an empty database: no code for each platform.

    Args:
        folder: An existing folder.

    Raises:
        UnavailableError: Another program works there.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._connection = sqlite3.connect(folder.root / ".lock", timeout=0, isolation_level=None)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise UnavailableError(
                f"Another crampwatch works in {folder.root}.",
                advice="Stop it first, or give this one a folder of its own: --data FOLDER.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):  # closing drops the lock whatever rollback says
            self._connection.execute("ROLLBACK")
        self._connection.close()
