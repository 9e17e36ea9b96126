"""Time and memory that the detector needs for a night of 8 h: two channels at 1 kHz, on one core.

Half an hour of a simulated night is repeated, so that neither simulating nor reading a file counts::

    python benchmarks/detect_a_night.py
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.firmware_sim.scenarios import scenario
from numpy.typing import NDArray

MOST_S = 5.0
MOST_GROWTH = 1.1
"""Peak memory of eight hours over that of one."""

LOOP_S, CHUNK_S, RATE_HZ = 1800, 60, 1000


def main() -> int:
    """Print time and memory; fail if either is more than promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", type=int, metavar="HOURS", help="Measure in this process and print JSON.")
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(_measure_hours(arguments.alone)))
        return 0
    short, long = _in_a_process(1), _in_a_process(8)
    growth = long["peak_mb"] / short["peak_mb"]
    print("| length | processor time | times real time | peak memory |\n|---|---|---|---|")
    for hours, one in ((1, short), (8, long)):
        speed = hours * 3600 / one["seconds"]
        print(f"| {hours} h | {one['seconds']:.2f} s | {speed:,.0f} | {one['peak_mb']:.0f} MB |")
    return 0 if long["seconds"] <= MOST_S and growth <= MOST_GROWTH else 1


def _in_a_process(hours: int) -> dict[str, float]:
    """Measure in a process of its own: peak memory is that of a whole process."""
    one_core = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
    }  # as `crampwatch` does; others would only spin
    done = subprocess.run(
        [sys.executable, __file__, "--alone", str(hours)], check=True, capture_output=True, text=True, env=one_core
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _measure_hours(hours: int) -> dict[str, float]:
    source = scenario("night", seed=1)
    loop = source.read(3600 * RATE_HZ, LOOP_S * RATE_HZ)
    analyse_recording(source.stream, loop[: 60 * RATE_HZ])  # everything is imported and warm before the clock starts
    start_s = time.process_time()
    analyse_recording(source.stream, _repeat_loop(loop, hours))
    seconds = time.process_time() - start_s
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _repeat_loop(loop: NDArray[np.float64], hours: int) -> Iterator[NDArray[np.float64]]:
    for _ in range(hours * 3600 // LOOP_S):
        for first in range(0, len(loop), CHUNK_S * RATE_HZ):
            yield loop[first : first + CHUNK_S * RATE_HZ]


if __name__ == "__main__":
    sys.exit(main())
