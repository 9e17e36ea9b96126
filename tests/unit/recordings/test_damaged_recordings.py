"""Whatever stands in a file, reading it ends in samples or in a message for people, never in a traceback."""

import functools
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.recordings import read, write
from crampwatch.recordings.edf.header import EdfSignal
from hypothesis import given, settings
from hypothesis import strategies as st
from signals.recording_samples import MOST_CHUNKS, ArraySource, Content, edf_bytes, edf_signal, npz_bytes, wfdb_record

EMG = np.random.default_rng(11).normal(0, 20, (40, 2))
COUNTS = np.rint(EMG).astype(np.int16)
ANNOTATIONS = EdfSignal("EDF Annotations", "", -1, 1, -32_768, 32_767, 12)
PAIR = [edf_signal("EMG 1", samples=20), edf_signal("Skin temp", "degC", samples=20), ANNOTATIONS]
RECORDS: list[list[Content]] = [[COUNTS[:20, 0], COUNTS[:20, 1], 0.0], [COUNTS[20:, 0], COUNTS[20:, 1], 3.0]]
TABLE = "# Sampling rate: 100 Hz\ntime_s,EMG_mV,temp\n" + "".join(
    f"{i / 100},{v:.3f},31\n" for i, v in enumerate(EMG[:, 0])
)

EXAMPLES = int(os.environ.get("CRAMPWATCH_FUZZ_EXAMPLES", "60"))
"""Enough to notice carelessness; thousands are for a change of a reader."""
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "channels": st.lists(st.integers(-1, 4) | st.sampled_from(["EMG 1", "temp", "1"]), max_size=3),
        "column": st.lists(st.integers(-1, 4), max_size=3),
        "rate_hz": st.sampled_from([100.0, 1000.0]),
        "scale_uv": st.sampled_from([0.5, 1000.0]),
    },
)
WORDS = st.sampled_from(
    [b"0", b"-1", b"nan", b"1e9", b"99999999", b" ", b"\n", b",", b"\xff\xff\xff\xff", b"\0", b"inf"]
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), WORDS | st.binary(max_size=6)), max_size=5)


def check(path: Path, options: Mapping[str, Any]) -> None:
    """Read a file; what ends neither in samples nor in a paragraph of its own fails the test."""
    message = ""
    try:
        recording = read(path, **options)
        for chunk in itertools.islice(recording.chunks(4096), MOST_CHUNKS):
            assert chunk.shape[1] == recording.stream.channels == len(recording.stream.labels)
            assert not np.isinf(chunk).any()
        assert recording.stream.rate_hz > 0
        assert not recording.stream.lsb_uv <= 0
        assert recording.temperature is None or recording.temperature.rate_hz > 0
    except (RecordingError, ConfigurationError) as error:
        message = str(error)
    assert len(message) < 3000
    assert "\n" not in message


def damage(content: bytes, changes: list[tuple[float, int, bytes]], keep: float) -> bytes:
    """Overwrite, insert and remove some bytes, then cut the end off."""
    damaged = bytearray(content)
    for place, removed, inserted in changes:
        at = int(place * len(damaged))
        damaged[at : at + removed] = inserted
    return bytes(damaged[: int(keep * len(damaged)) + 1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@functools.cache
def valid(suffix: str, folder: Path) -> bytes:
    """Return a sound file of a kind."""
    if suffix in {".bdf", ".csv"}:
        path = folder / f"sound{suffix}"
        write(path, simulated_recording(ArraySource(EMG, rate_hz=20.0)), truth=())
        return path.read_bytes()
    if suffix == ".edf":
        return edf_bytes(PAIR, RECORDS, reserved="EDF+D")
    if suffix == ".npz":
        return npz_bytes(emg=EMG, rate_hz=100.0, labels=["a", "b"], temp_c=[30.0], temp_rate_hz=1.0, origin="demo")
    return TABLE.encode()


@settings(max_examples=EXAMPLES, deadline=None)
@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".npz", ".csv", ".txt"])
@given(changes=CHANGES, keep=st.just(1.0) | st.floats(0, 1), options=OPTIONS)
def test_damaged_files(
    folder: Path, suffix: str, changes: list[tuple[float, int, bytes]], keep: float, options: dict[str, Any]
) -> None:
    path = folder / f"damaged{suffix}"
    path.write_bytes(damage(valid(suffix, folder), changes, keep))
    check(path, options)


@settings(max_examples=EXAMPLES, deadline=None)
@given(place=st.integers(0, 4 * 256), words=st.lists(WORDS, min_size=1, max_size=3), options=OPTIONS)
def test_edf_headers_with_fields_overwritten(
    folder: Path, place: int, words: list[bytes], options: dict[str, Any]
) -> None:
    content = bytearray(edf_bytes(PAIR, RECORDS, reserved="EDF+D"))
    for number, word in enumerate(words):
        content[place + 8 * number : place + 8 * number + 8] = word.ljust(8)
    (folder / "header.edf").write_bytes(content)
    check(folder / "header.edf", options)


@settings(max_examples=EXAMPLES, deadline=None)
@given(changes=CHANGES, keep=st.floats(0, 1), kept=st.floats(0, 1), options=OPTIONS)
def test_damaged_wfdb_records(
    folder: Path, changes: list[tuple[float, int, bytes]], keep: float, kept: float, options: dict[str, Any]
) -> None:
    path = wfdb_record(folder, COUNTS)
    path.write_bytes(damage(path.read_bytes(), changes, keep))
    (folder / "night.dat").write_bytes(COUNTS.tobytes()[: int(kept * COUNTS.nbytes)])
    check(path, options)
    if (folder / "night.dat").stat().st_size:
        check(folder / "night.dat", options)


@settings(max_examples=EXAMPLES, deadline=None)
@pytest.mark.parametrize("suffix", [".edf", ".npz", ".csv", ".hea"])
@given(
    start=st.sampled_from(
        [b"", b"0       ", b"\xffBIOSEMI", b"PK\x03\x04", b"night 2 200 40\n", b"\xff\xfe", b"a,b\n1,2\n"]
    ),
    rest=st.binary(max_size=700) | st.text(max_size=300).map(str.encode),
    options=OPTIONS,
)
def test_anything_at_all(folder: Path, suffix: str, start: bytes, rest: bytes, options: dict[str, Any]) -> None:
    path = folder / f"anything{suffix}"
    path.write_bytes(start + rest)
    check(path, options)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=st.lists(st.text(alphabet="0123456789.,;\t -+eEnaif\"'#x\r", max_size=25), max_size=25), options=OPTIONS)
def test_anything_like_a_table(folder: Path, rows: list[str], options: dict[str, Any]) -> None:
    path = folder / "table.csv"
    path.write_text("\n".join(rows), newline="")
    check(path, options)
