"""Measures all figures of docs/evaluation.md again and writes them into the page.

    python benchmarks/evaluation_page.py                 all sections; an hour on a small machine
    python benchmarks/evaluation_page.py night recordings

Each section runs the command that the page names for it, and replaces the text between its marks.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent
PAGE = BENCHMARKS.parent / "docs" / "evaluation.md"
EVALUATE = (sys.executable, "-m", "crampwatch.app", "evaluate")

SENSORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("2 pairs at 1 kHz", ()),
    *((f"2 pairs at {rate} Hz", ("--sampling", str(rate))) for rate in (200, 250, 500, 2000)),
    *((f"{pairs} pair{'s' if pairs > 1 else ''} at 1 kHz", ("--pairs", str(pairs))) for pairs in (1, 3, 4)),
    ("2 pairs at 1 kHz, unknown scale", ("--unknown-scale",)),
)


def main() -> int:
    """Measure the requested sections one after the other; each is written as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--jobs", default="1", help="nights at a time")
    arguments = parser.parse_args()
    unknown = set(arguments.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    for name in arguments.sections or SECTIONS:
        print(f"{name} ...", file=sys.stderr)
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), name, SECTIONS[name](arguments.jobs)), "utf-8")
    return 0


def replaced(page: str, name: str, text: str) -> str:
    """Return a page with the text between a section's marks replaced.

    Raises:
        ValueError: The page has no such section.
    """
    begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->\n"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"docs/evaluation.md has no section marked {begin.strip()}")
    return f"{before}{begin}\n{text.strip()}\n\n{end}{after}"


def _evaluate_nights(scenario: str, seeds: str, jobs: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        command = (*EVALUATE, "--scenario", scenario, "--seeds", seeds, "--jobs", jobs)
        _output_of((*command, "--report", folder, "--plots", "0"))
        return (Path(folder) / "summary.md").read_text("utf-8")


def _compare_sensors(jobs: str) -> str:
    rows = []
    for name, flags in SENSORS:
        command = (*EVALUATE, "--scenario", "exam", "--seeds", "reporting:4", "--jobs", jobs, *flags, "--json")
        rows.append(_sensor_row(name, json.loads(_output_of(command))["kinds"]))
    heads = ("sensor", "cramps found", "precision", "onset error", "reported after", "twitches, F1")
    summary = (
        "Simulated accuracy: 2 h of `exam` for each sensor, `crampwatch evaluate --scenario exam --seeds reporting:4`"
    )
    lines = [
        f"{summary} with `--sampling`, `--pairs` or `--unknown-scale`.\n",
        _table_row(heads),
        "|" + "---|" * len(heads),
    ]
    return "\n".join([*lines, *(_table_row(cells) for cells in rows)])


def _sensor_row(name: str, kinds: dict[str, Any]) -> tuple[str, ...]:
    cramp, clear = kinds["cramp"]["all"], kinds["cramp"]["clear"]
    return (
        name,
        f"{cramp['counts']['found']} of {cramp['counts']['events']}",
        _format_value(cramp["precision"]["value"], 100, " %"),
        _format_value(clear["onset_error_s"]["value"], 1000, " ms"),
        _format_value(clear["latency_s"]["value"], 1, " s", 1),
        _format_value(kinds["twitch"]["clear"]["f1"]["value"], 1, "", 2),
    )


def _format_value(value: float | None, times: float, unit: str, digits: int = 0) -> str:
    return "-" if value is None else f"{times * value:.{digits}f}{unit}"


def _run_script(name: str, _jobs: str) -> str:
    return f"{_output_of((sys.executable, str(BENCHMARKS / name)), checked=False)}\nMeasured on {_describe_machine()}."


def _describe_machine() -> str:
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    busy = f"load average {os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"one core of {processor}, Python {platform.python_version()}; {busy}"


def _table_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _output_of(command: tuple[str, ...], *, checked: bool = True) -> str:
    """Return what a command printed; unchecked, also of a benchmark that ends with 1 because it missed its limit."""
    return subprocess.run(command, check=checked, stdout=subprocess.PIPE, text=True).stdout


SECTIONS: dict[str, Callable[[str], str]] = {
    "night-hard": partial(_evaluate_nights, "night-hard", "reporting:4"),
    "night": partial(_evaluate_nights, "night", "reporting:3"),
    "night-calm": partial(_evaluate_nights, "night-calm", "reporting:4"),
    "sensors": _compare_sensors,
    "disturbances": partial(_run_script, "disturbances.py"),
    "recordings": partial(_run_script, "real_recordings.py"),
    "speed": partial(_run_script, "detect_a_night.py"),
    "peers": partial(_run_script, "against_peers.py"),
}


if __name__ == "__main__":
    sys.exit(main())
