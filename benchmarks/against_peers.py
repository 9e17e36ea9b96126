"""Throughput against `biosppy` and `neurokit2`, on the same data in the same process.

Neither is a dependency of crampwatch; install them beside it for this run::

    pip install biosppy neurokit2 peakutils
    python benchmarks/against_peers.py

A peer that is not installed is left out with a note. Their methods process one channel of a whole recording at once;
ours processes both channels a minute at a time, keeps state, filters, classifies and gives reasons. The onset methods
of `biosppy` are given a filtered signal, and the time for filtering is not counted. Times are processor times, so that
a busy machine gives the same figures.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType

import numpy as np
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.detector.pipeline.pipeline import Pipeline, push_together
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Array = NDArray[np.float64]

RATE_HZ = 1000.0
LEAST_OVER_BIOSPPY, LEAST_OVER_NEUROKIT = 3.0, 100.0
STACKED = 64
RUNS = 3
ASLEEP_SAMPLES = 3_600_000
"""An hour after lights out: what most of a night is like."""
SLOW_S = 5.0
"""A method that takes longer than this for a tenth of the recording is measured on that tenth."""


@dataclass(frozen=True)
class Measured:
    """Name and speed of a method; `speed` is in seconds of one channel processed per second."""

    name: str
    speed: float


def main() -> int:
    """Print the table; fail if a ratio is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # the peers' own
    source = scenario("night", seed=9001)
    emg_uv = source.read(ASLEEP_SAMPLES, round(arguments.minutes * 60 * RATE_HZ))
    filled = np.nan_to_num(emg_uv)  # a gap of NaN makes the peers return nothing
    analyse_recording(source.stream, emg_uv[:60_000])  # everything is imported and warm before the clock starts
    ours = [
        Measured(
            "crampwatch, one sensor of 2 channels",
            _channel_speed(lambda: analyse_recording(source.stream, emg_uv), emg_uv.size),
        ),
        Measured(f"crampwatch, {STACKED} sensors stacked", _measure_stacked(source.stream, emg_uv)),
    ]
    biosppy, neurokit = list(_measure_biosppy(filled)), list(_measure_neurokit(filled))
    for line in table(ours, biosppy, neurokit):
        print(line)
    return _check_ratios(ours, biosppy, neurokit)


def table(ours: list[Measured], biosppy: list[Measured], neurokit: list[Measured]) -> Iterator[str]:
    """Yield the lines of a Markdown table, the fastest first."""
    best = max(one.speed for one in ours)
    yield "| what | channel-seconds per second | crampwatch is faster by |"
    yield "|---|---|---|"
    for one in sorted([*ours, *biosppy, *neurokit], key=lambda one: -one.speed):
        yield f"| {one.name} | {one.speed:,.0f} | {'' if one in ours else f'{best / one.speed:.1f}'} |"


def _check_ratios(ours: list[Measured], biosppy: list[Measured], neurokit: list[Measured]) -> int:
    best, failed = max(one.speed for one in ours), 0
    for peers, least, name in (
        (biosppy, LEAST_OVER_BIOSPPY, "biosppy"),
        (neurokit, LEAST_OVER_NEUROKIT, "neurokit2"),
    ):
        if not peers:
            continue
        ratio = best / max(one.speed for one in peers)
        print(f"{ratio:.1f} times {name}'s fastest (at least {least:.0f})", file=sys.stderr)
        failed += ratio < least
    return 1 if failed else 0


def _measure_stacked(stream: StreamDescription, emg_uv: Array) -> float:
    """Measure many sensors whose blocks of a second arrive together."""
    blocks = emg_uv[: round(60 * RATE_HZ)].reshape(60, -1, emg_uv.shape[1])

    def push() -> None:
        detectors = [Pipeline(stream) for _ in range(STACKED)]
        for place, block in enumerate(blocks):
            push_together([(one, place * len(block), block) for one in detectors])

    return _channel_speed(push, STACKED * blocks.size)


def _measure_biosppy(emg_uv: Array) -> Iterator[Measured]:
    """Measure every onset method but `abbink_onset_detector`, whose time grows with the square of the length."""
    if (biosppy := _import_optional("biosppy.signals.emg")) is None:
        return
    sections = butter(4, 100.0, "highpass", fs=RATE_HZ, output="sos")
    signal = sosfilt(sections, emg_uv[:, 0])
    whole = partial(biosppy.emg, sampling_rate=RATE_HZ, show=False)
    yield Measured("biosppy.emg, its filter and find_onsets", _peer_speed(whole, emg_uv[:, 0]))
    rest = {"mean": float(np.abs(signal).mean()), "std_dev": float(np.abs(signal).std()), "var": float(signal.var())}
    methods: dict[str, dict[str, object]] = {
        "find_onsets": {},
        "hodges_bui_onset_detector": {"rest": rest, "size": 50, "threshold": 3},
        "bonato_onset_detector": {
            "rest": rest,
            "threshold": 8,
            "active_state_duration": 10,
            "samples_above_fail": 2,
            "fail_size": 5,
        },
        "lidierth_onset_detector": {
            "rest": rest,
            "size": 50,
            "threshold": 3,
            "active_state_duration": 10,
            "fail_size": 5,
        },
        "solnik_onset_detector": {"rest": rest, "threshold": 3, "active_state_duration": 10},
        "silva_onset_detector": {"size": 20, "threshold_size": 22, "threshold": 5},
        "londral_onset_detector": {"rest": rest, "size": 50, "threshold": 3, "active_state_duration": 10},
    }
    for name, settings in methods.items():
        method = partial(getattr(biosppy, name), **settings)
        yield Measured(f"biosppy.{name}", _peer_speed(method, signal))


def _measure_neurokit(emg_uv: Array) -> Iterator[Measured]:
    """Measure its usual entry point: cleaning, amplitude and activation of a channel."""
    if (neurokit := _import_optional("neurokit2")) is not None:
        yield Measured(
            "neurokit2.emg_process",
            _peer_speed(lambda part: neurokit.emg_process(part, sampling_rate=int(RATE_HZ)), emg_uv[:, 0]),
        )


def _peer_speed(run: Callable[[Array], object], signal: Array) -> float:
    """Return the speed of a peer on a whole channel, or on a tenth of it where it is slow."""
    part = signal[: len(signal) // 10]
    start_s = time.process_time()
    run(part)
    if time.process_time() - start_s > SLOW_S / 10:
        return _channel_speed(lambda: run(part), part.size)
    return _channel_speed(lambda: run(signal), signal.size)


def _channel_speed(run: Callable[[], object], samples: int) -> float:
    """Return seconds of one channel processed per second; the best of a few runs."""
    best_s = np.inf
    for _ in range(RUNS):
        start_s = time.process_time()
        run()
        best_s = min(best_s, time.process_time() - start_s)
    return float(samples / RATE_HZ / best_s)


def _import_optional(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError as error:
        print(f"{name} is left out: {error}. `pip install biosppy neurokit2 peakutils` adds it.", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
