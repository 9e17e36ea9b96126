"""Personal calibrations on disk: one small file each, never changed, so that old nights can be analysed as before."""

import logging
from pathlib import Path
from typing import Final

from crampwatch.bus.endpoint import write_private
from crampwatch.detector.calibration.calibration import Calibration, decode, encode
from crampwatch.protocol.errors import RecordingError, UnavailableError

__all__ = ["CalibrationFolder", "load_calibration"]

_SUFFIX: Final = ".calibration.json"
_log: Final = logging.getLogger(__name__)


class CalibrationFolder:
    """Folder of personal calibrations.

    Args:
        folder: Its path; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changed_ns = -1
        self._cached: tuple[Calibration, ...] = ()

    def for_sensor(self, sensor: str) -> tuple[Calibration, ...]:
        """Return the calibrations of a sensor, the oldest first; reads the files only when the folder has changed.

        A file that is no calibration is logged and left out.
        """
        try:
            changed_ns = self.folder.stat().st_mtime_ns
        except OSError:
            return ()
        if changed_ns != self._changed_ns:
            found = [
                one for path in sorted(self.folder.glob(f"*{_SUFFIX}")) if (one := _load_or_none(path)) is not None
            ]
            self._cached = tuple(sorted(found, key=lambda one: one.made_ns))
            self._changed_ns = changed_ns
        return tuple(one for one in self._cached if one.sensor == sensor)

    def save(self, calibration: Calibration) -> Path:
        """Save a calibration; return its file.

        Raises:
            UnavailableError: It cannot be written.
        """
        name = "".join(letter if letter.isalnum() else "-" for letter in calibration.sensor)[:40]
        path = self.folder / f"{name or 'recording'}-{calibration.made_ns // 1_000_000_000}-{calibration.id}{_SUFFIX}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, encode(calibration).decode())
        except OSError as error:
            raise UnavailableError(
                f"The calibration cannot be saved in {self.folder}: {error.strerror or error}.",
                advice="Free some disk space or choose another data folder.",
            ) from error
        return path


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        RecordingError: It cannot be read, or is no calibration.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read: {error.strerror or error}.", advice="Give a file of `crampwatch calibrate`."
        ) from error


def _load_or_none(path: Path) -> Calibration | None:
    try:
        return load_calibration(path)
    except RecordingError as error:
        _log.warning("the calibration %s is left out: %s", path.name, error)
        return None
