"""How many times faster than real time `crampwatch detect` is, for an hour of two channels at 1 kHz.

The whole command counts: program start, reading the file, detection, printing. Run it on an idle machine::

    python benchmarks/detect_an_hour.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEAST_RATIO = 1200.0
"""An hour in 3 s."""
RUNS = 3
COMMAND = (sys.executable, "-m", "crampwatch.app")


def main() -> int:
    """Print the best of a few runs; fail below the promised ratio."""
    with tempfile.TemporaryDirectory() as folder:
        night = Path(folder) / "hour.edf"
        simulate = (*COMMAND, "simulate", "--scenario", "night", "--seed", "1", "--hours", "1", "--out", str(night))
        subprocess.run(simulate, check=True, capture_output=True)
        best_s = min(_seconds_taken((*COMMAND, "detect", str(night), "--json")) for _ in range(RUNS))
    ratio = 3600 / best_s
    print(f"1 h of 2 channels at 1 kHz: {best_s:.2f} s, {ratio:.0f} times real time (at least {LEAST_RATIO:.0f})")
    return 0 if ratio >= LEAST_RATIO else 1


def _seconds_taken(command: tuple[str, ...]) -> float:
    start_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(main())
