"""Cache of what was read from an ended session, so that its night opens at once.

The session file is the only source of truth: a cache may be deleted at any time and is then written again. It is a
NumPy archive without pickled objects: ``head`` is JSON with the version, the session's last sequence number and each
signal's scalar fields; the arrays are named ``<sensor>.<signal>.<what>``. A cache of another version, of another last
sequence number, or a damaged one counts as missing.
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
_FIELDS: Final = {
    "boot_id": "boot_id",
    "stream": "stream",
    "channels": "channels",
    "rate_hz": "rate_hz",
    "octets": "sample_bytes",
    "unit": "unit",
    "labels": "labels",
    "origin_index": "origin_index",
    "gains": "gains",
}
"""Scalar fields of a signal: name in the file, and attribute of `BootSignal`."""
_log: Final = logging.getLogger(__name__)


def save_cache(path: Path, sensors: dict[str, SensorNight], *, last_seq: int) -> None:
    """Write a cache; a failure is only logged, since the session file has everything."""
    arrays: dict[str, Any] = {}
    head: dict[str, Any] = {"version": _VERSION, "last_seq": last_seq, "sensors": []}
    for number, night in enumerate(sensors.values()):
        signals = [_pack_signal(f"{number}.{place}", signal, arrays) for place, signal in enumerate(night.signals)]
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
        _log.warning("cannot cache a night in %s: %s", path, error)
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def load_cache(path: Path, *, last_seq: int) -> dict[str, SensorNight] | None:
    """Return the sensors of a session; None without a cache, or if it was not written at this ``last_seq``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            if (head["version"], head["last_seq"]) != (_VERSION, last_seq):
                return None
            return {
                one["sensor"]["sensor"]: _unpack_sensor(str(number), one, arrays)
                for number, one in enumerate(head["sensors"])
            }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        _log.warning("%s cannot be read and will be written again: %s", path, error)
        return None


def covered_ranges_ns(sensors: dict[str, SensorNight]) -> NDArray[np.int64]:
    """Return when any sensor has samples: start and end, UTC nanoseconds, shape (ranges, 2)."""
    signals = [signal for night in sensors.values() for signal in night.signals]
    return np.concatenate([*(signal.covered_ns() for signal in signals), np.empty((0, 2), np.int64)])


def load_cached_ranges_ns(path: Path) -> NDArray[np.int64] | None:
    """Return the same from a cache, without reading the rest of it; None without a cache."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays["covered"], np.int64)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _pack_signal(key: str, signal: BootSignal, arrays: dict[str, Any]) -> dict[str, Any]:
    arrays[f"{key}.base"] = signal.pyramid.base
    rows = signal.frame_table()
    arrays[f"{key}.places"] = rows[:, (0, 3)]
    arrays[f"{key}.sizes"] = rows[:, 1:3].astype(np.uint16)  # ticks are not needed once the times are known
    if signal.knots is not None:
        arrays[f"{key}.index"], arrays[f"{key}.utc_ns"] = signal.knots.index, signal.knots.utc_ns
    return {name: getattr(signal, attribute) for name, attribute in _FIELDS.items()}


def _unpack_sensor(number: str, head: dict[str, Any], arrays: Any) -> SensorNight:
    night = SensorNight(SessionSensor(**head["sensor"]))
    night.temperature = [(int(utc_ns), celsius) for utc_ns, celsius in arrays[f"{number}.temperature"].tolist()]
    for place, fields in enumerate(head["signals"]):
        key = f"{number}.{place}"
        attributes = {attribute: fields[name] for name, attribute in _FIELDS.items()}
        attributes["labels"] = tuple(fields["labels"])
        attributes["gains"] = [(at, units) for at, units in fields["gains"]]
        signal = BootSignal(
            sensor=night.sensor.sensor,
            pyramid=Pyramid(fields["channels"], arrays[f"{key}.base"]),
            frames=_frame_rows(arrays[f"{key}.places"], arrays[f"{key}.sizes"]),
            **attributes,
        )
        if f"{key}.index" in arrays:
            signal.knots = Knots(arrays[f"{key}.index"], arrays[f"{key}.utc_ns"], signal.rate_hz)
        night.signals.append(signal)
    return night


def _frame_rows(places: NDArray[np.int64], sizes: NDArray[np.uint16]) -> "array[int]":
    rows = np.zeros((len(places), FRAME_COLUMNS), np.int64)
    rows[:, (0, 3)], rows[:, 1:3] = places, sizes
    return array("q", rows.tobytes())
