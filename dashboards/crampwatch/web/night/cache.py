"""What was read of an ended session, kept beside it: the next look at that night opens at once.

A cache may be deleted at any time; it is then made again from the session file, which alone is the truth.
"""

import json
import logging
import os
from array import array
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from crampwatch.protocol.records import SessionSensor
from crampwatch.web.night.model.pyramid import Pyramid
from crampwatch.web.night.model.signal import FRAME_COLUMNS, BootSignal, Knots
from crampwatch.web.night.reader import SensorNight
from numpy.typing import NDArray

__all__ = ["CACHE_SUFFIX", "covered_ranges_ns", "load_cache", "load_cached_ranges_ns", "save_cache"]

CACHE_SUFFIX: Final = ".night.npz"
_VERSION: Final = 3
_FIELDS: Final = ("boot_id", "stream", "channels", "rate_hz", "octets", "unit", "labels", "origin_index", "gains")
_log: Final = logging.getLogger(__name__)


def save_cache(path: Path, sensors: dict[str, SensorNight], *, last_seq: int) -> None:
    """Keep what was read of a session; whatever hinders it is logged, since nothing is lost by it."""
    arrays: dict[str, Any] = {}
    head: dict[str, Any] = {"version": _VERSION, "last_seq": last_seq, "sensors": []}
    for number, night in enumerate(sensors.values()):
        signals = [_packed(f"{number}.{place}", signal, arrays) for place, signal in enumerate(night.signals)]
        arrays[f"{number}.temperature"] = np.array(night.temperature, np.float64).reshape(-1, 2)
        head["sensors"].append({"sensor": asdict(night.sensor), "signals": signals})
    arrays["covered"] = covered_ranges_ns(sensors)
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with fresh.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(fresh, path)  # noqa: PTH105 - atomic on every system
    except OSError as error:
        _log.warning("the night cannot be kept for a fast look in %s: %s", path, error)
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def load_cache(path: Path, *, last_seq: int) -> dict[str, SensorNight] | None:
    """Return what was kept of a session; None where nothing was, or it is not of this session's present end."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            if (head["version"], head["last_seq"]) != (_VERSION, last_seq):
                return None
            return {
                one["sensor"]["sensor"]: _unpacked(str(number), one, arrays)
                for number, one in enumerate(head["sensors"])
            }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        _log.warning("%s cannot be read and is made again: %s", path, error)
        return None


def covered_ranges_ns(sensors: dict[str, SensorNight]) -> NDArray[np.int64]:
    """Return when any sensor has samples: begin and end, UTC nanoseconds, shape (stretches, 2)."""
    signals = [signal for night in sensors.values() for signal in night.signals]
    return np.concatenate([*(signal.covered_ns() for signal in signals), np.empty((0, 2), np.int64)])


def load_cached_ranges_ns(path: Path) -> NDArray[np.int64] | None:
    """Return the same of what was kept, without reading the rest; None where nothing was."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays["covered"], np.int64)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _packed(key: str, signal: BootSignal, arrays: dict[str, Any]) -> dict[str, Any]:
    arrays[f"{key}.base"] = signal.pyramid.base
    rows = signal.table()
    arrays[f"{key}.places"] = rows[:, (0, 3)]
    arrays[f"{key}.sizes"] = rows[:, 1:3].astype(np.uint16)  # ticks are not needed once the times are known
    if signal.knots is not None:
        arrays[f"{key}.index"], arrays[f"{key}.utc_ns"] = signal.knots.index, signal.knots.utc_ns
    return {name: getattr(signal, name) for name in _FIELDS}


def _unpacked(number: str, head: dict[str, Any], arrays: Any) -> SensorNight:
    night = SensorNight(SessionSensor(**head["sensor"]))
    night.temperature = [(int(utc_ns), celsius) for utc_ns, celsius in arrays[f"{number}.temperature"].tolist()]
    for place, fields in enumerate(head["signals"]):
        key = f"{number}.{place}"
        fields["labels"], fields["gains"] = tuple(fields["labels"]), [(at, units) for at, units in fields["gains"]]
        signal = BootSignal(
            sensor=night.sensor.sensor,
            pyramid=Pyramid(fields["channels"], arrays[f"{key}.base"]),
            frames=_frames(arrays[f"{key}.places"], arrays[f"{key}.sizes"]),
            **fields,
        )
        if f"{key}.index" in arrays:
            signal.knots = Knots(arrays[f"{key}.index"], arrays[f"{key}.utc_ns"], signal.rate_hz)
        night.signals.append(signal)
    return night


def _frames(places: NDArray[np.int64], sizes: NDArray[np.uint16]) -> "array[int]":
    rows = np.zeros((len(places), FRAME_COLUMNS), np.int64)
    rows[:, (0, 3)], rows[:, 1:3] = places, sizes
    return array("q", rows.tobytes())
