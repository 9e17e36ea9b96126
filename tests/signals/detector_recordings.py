"""Readers of the shared recordings, and a small generator of muscle activity that is independent of the simulator."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from lanes.lanes import shared_data
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    stream: StreamDescription
    emg: Array


@dataclass(frozen=True)
class Annotation:
    onset_s: float
    offset_s: float
    label: str
    confidence: str
    onset_unc_s: float
    offset_unc_s: float


def stream(rate_hz: float, channels: int, lsb_uv: float = 0.2) -> StreamDescription:
    return StreamDescription(1, StreamKind.EMG, channels, SampleFormat.INT16, rate_hz, lsb_uv * 1e-6)


def annotations(path: Path) -> list[Annotation]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Annotation(
            float(row["onset_s"]),
            float(row["offset_s"]),
            row["label"],
            row["confidence"],
            float(row["onset_unc_s"]),
            float(row["offset_unc_s"]),
        )
        for row in rows
    ]


def biosppy() -> Recording:
    counts = np.loadtxt(shared_data("biosppy", "emg_1.txt"), comments="#")
    return Recording(stream(1000.0, 1, math.nan), counts[:, None])


def bursts(name: str) -> Recording:
    with h5py.File(shared_data("biosignalsnotebooks", f"{name}.h5")) as file:
        device = next(iter(file.values()))
        counts = np.asarray(
            device["raw"][next(name for name in device["raw"] if name.startswith("channel"))], dtype=np.float64
        ).reshape(-1, 1)
    return Recording(stream(1000.0, 1, 3000.0 / 65536), (counts / 65536 - 0.5) * 3000.0)


def lower_limb(name: str) -> Recording:
    path = shared_data("uci_lower_limb", f"{name}.txt")
    max_rows = 6563 if name == "5Nmar" else None  # then its goniometer goes on alone
    rows = np.genfromtxt(path, skip_header=7, usecols=range(4), max_rows=max_rows)
    return Recording(stream(1000.0, 4, 0.75), rows * 1000.0)


def gestures() -> Recording:
    path = shared_data("uci_gestures", "1_raw_data_11-08_21.03.16.txt")
    rows = np.genfromtxt(path, skip_header=1)
    grid = np.arange(0.0, rows[-1, 0], 5.0)
    held = rows[np.searchsorted(rows[:, 0], grid, side="right") - 1, 1:9]
    return Recording(stream(200.0, 8, 10.0), held * 1e6)


def needle() -> Recording:
    raw = np.fromfile(shared_data("emgdb", "emg_neuropathy.dat"), "<i2").astype(np.float64)
    return Recording(stream(4000.0, 1, 0.1), raw[:, None] * 0.1)
