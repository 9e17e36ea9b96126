"""How long a Python program waits for `import crampwatch.detector` and `import crampwatch.recordings`.

Processor time of a fresh interpreter, its own start not included; the best of a few runs, so that an idle machine is no
condition::

    python benchmarks/import_time.py
"""

import subprocess
import sys

MOST_S = 0.5
"""What somebody at a prompt takes for "at once"; NumPy alone takes a third of it."""
RUNS = 5
MODULES = ("crampwatch.detector", "crampwatch.recordings")
PROGRAM = "import time; start_s = time.process_time(); import {}; print(time.process_time() - start_s)"


def main() -> int:
    """Print the times; fail where one is longer than promised."""
    times_s = {module: min(_import_s(module) for _ in range(RUNS)) for module in MODULES}
    print("| import | processor time |\n|---|---|")
    for module, seconds in times_s.items():
        print(f"| {module} | {seconds:.2f} s |")
    return 0 if max(times_s.values()) <= MOST_S else 1


def _import_s(module: str) -> float:
    command = [sys.executable, "-c", PROGRAM.format(module)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    sys.exit(main())
