"""The detector on public recordings that a person annotated: ``python benchmarks/real_recordings.py``.

They are in ../shared/data, are read in place and never shipped with the product. INDEX.md beside them says what each
is and who may use it.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from crampwatch import recordings
from crampwatch.app.evaluation.annotated_recording import score_recording_annotations
from crampwatch.app.evaluation.tables import annotated_table
from crampwatch.detector.scoring.annotated import AnnotatedScore
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import Recording, describe_stream
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WALKING_SAMPLES = 6563
"""After these only its goniometer goes on."""


def main() -> int:
    """Print the table; fail if a cramp was found in a sleeper at rest or a walker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    folder: Path = parser.parse_args().data
    if not folder.is_dir():
        print(f"{folder} does not exist: give the folder of the recordings with --data.", file=sys.stderr)
        return 1
    scores = list(scored(folder))
    table = annotated_table(scores)
    print("| " + " | ".join(table.heads) + " |\n|" + "---|" * len(table.heads))
    for row in table.rows:
        print("| " + " | ".join(row) + " |")
    return 1 if any(one.cramps for name, one in scores if "control" in name) else 0


def scored(folder: Path) -> Iterator[tuple[str, AnnotatedScore]]:
    """Yield name and score of each recording."""
    for name, opened, annotations in _list_recordings(folder):
        yield name, score_recording_annotations(opened(), annotations)


def _list_recordings(folder: Path) -> Iterator[tuple[str, Callable[[], Recording], Path | None]]:
    def beside(path: Path, channel: str = "") -> Path:
        return path.with_name(f"{path.name}{channel}.annotations.csv")

    emg_1 = folder / "biosppy" / "emg_1.txt"
    yield "biosppy emg_1, unknown scale", lambda: recordings.read(emg_1), beside(emg_1)
    for stem, text in (("emg_bursts", "bursts, biceps"), ("emg_1000_hz_16_bits_solo", "twitches and units, thumb")):
        path = folder / "biosignalsnotebooks" / f"{stem}.h5"
        yield f"biosignalsnotebooks {text}", partial(_open_hdf5, path), beside(path)
    for stem in ("3Asen", "8Nsen"):
        path = folder / "uci_lower_limb" / f"{stem}.txt"
        yield f"UCI {stem}, thigh, knee extensions", partial(_open_thigh, path, (1,)), beside(path, ".RF")
    needle = folder / "emgdb" / "emg_neuropathy.dat"
    yield "emgdb neuropathy, needle", lambda: recordings.read(needle), needle.with_suffix(".annotations.csv")
    gestures = folder / "uci_gestures" / "1_raw_data_11-08_21.03.16.txt"
    yield "UCI gestures, armband, channel 5", lambda: _open_armband(gestures), beside(gestures, ".ch5")
    walking = folder / "uci_lower_limb" / "5Nmar.txt"
    yield "control: UCI 5Nmar, walking, 4 channels", lambda: _open_thigh(walking, (1, 2, 3, 4)), None
    legs = folder / "rsleep" / "subject1.edf"
    yield "control: rsleep subject 1, legs at night", lambda: recordings.read(legs), None


def _open_hdf5(path: Path) -> Recording:
    """Open a recording of the OpenSignals program: 16-bit counts of a 3 mV range."""
    with h5py.File(path) as file:
        raw = next(iter(file.values()))["raw"]
        counts = np.asarray(raw[next(name for name in raw if name.startswith("channel"))], np.float64).reshape(-1, 1)
    return _recording_of(path, (counts / 65536 - 0.5) * 3000.0, 1000.0, 3000.0 / 65536)


def _open_thigh(path: Path, columns: tuple[int, ...]) -> Recording:
    rows = np.genfromtxt(
        path,
        skip_header=7,
        usecols=[column - 1 for column in columns],
        max_rows=WALKING_SAMPLES if path.stem.endswith("mar") else None,
    )
    return _recording_of(path, 1000.0 * rows.reshape(len(rows), -1), 1000.0, 0.75)


def _open_armband(path: Path) -> Recording:
    """Open a table with uneven milliseconds: each value holds until the next, on a grid of the armband's 200 Hz."""
    rows = np.genfromtxt(path, skip_header=1)
    grid_ms = np.arange(0.0, rows[-1, 0], 5.0)
    held = rows[np.searchsorted(rows[:, 0], grid_ms, side="right") - 1, 5:6]
    return _recording_of(path, held * 1e6, 200.0, 10.0)


def _recording_of(path: Path, emg_uv: NDArray[np.float64], rate_hz: float, lsb_uv: float) -> Recording:
    labels = [f"EMG {number}" for number in range(1, emg_uv.shape[1] + 1)]
    stream = describe_stream(labels=labels, rate_hz=rate_hz, lsb_uv=lsb_uv, sample_format=SampleFormat.INT16)
    return Recording(stream, lambda: iter([emg_uv]), Origin.REPLAY, str(path), sample_count=len(emg_uv))


if __name__ == "__main__":
    sys.exit(main())
