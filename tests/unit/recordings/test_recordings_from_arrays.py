"""Arrays in memory as recordings."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crampwatch import recordings
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings import Temperature, from_array, read, write

EMG = np.round(np.random.default_rng(0).normal(0.0, 20.0, (3000, 2)), 1)
START = datetime(2026, 11, 20, 22, 0, 0, 250_000, tzinfo=UTC)


def test_the_names_promised_are_exactly_these_and_all_there() -> None:
    assert all(hasattr(recordings, name) for name in recordings.__all__)
    assert recordings.__all__ == [
        "FORMATS",
        "Annotation",
        "Format",
        "ReadOptions",
        "Recording",
        "Temperature",
        "WriteOptions",
        "annotations_path",
        "describe_stream",
        "from_array",
        "read",
        "register",
        "truth_path",
        "writable_suffixes",
        "write",
    ]


def test_a_recording_of_an_array_gives_it_back_again_and_again() -> None:
    emg = EMG.copy()
    emg[10, 1] = np.nan
    emg[20, 0] = np.inf
    recording = from_array(emg, rate_hz=500, start=START)
    emg[20, 0] = np.nan
    for _ in range(2):
        np.testing.assert_array_equal(recording.samples(), emg)
    assert (recording.rate_hz, recording.labels, recording.start) == (500.0, ("EMG 1", "EMG 2"), START)
    assert recording.duration_s == 6.0
    assert not recording.is_simulated


def test_what_a_program_changes_in_a_chunk_does_not_reach_its_array() -> None:
    emg = EMG.copy()
    for chunk in from_array(emg, rate_hz=500).chunks(1000):
        chunk[:] = 0.0
    np.testing.assert_array_equal(emg, EMG)


@pytest.mark.parametrize("ending", ["edf", "bdf", "npz", "csv"])
def test_an_array_is_written_and_read_with_all_that_was_given(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mine.{ending}"
    temperature = Temperature(np.full(6, 31.5), 1.0)
    write(path, from_array(EMG, rate_hz=500, labels=["EMG arch", "EMG calf"], temperature=temperature, start=START))
    again = read(path)
    np.testing.assert_allclose(again.samples(), EMG, atol=0.1)
    assert (again.rate_hz, again.labels) == (500.0, ("EMG arch", "EMG calf"))


def test_a_simulated_array_stays_marked_as_simulated(tmp_path: Path) -> None:
    write(tmp_path / "made.edf", from_array(EMG[:, 0], rate_hz=500, is_simulated=True))
    assert read(tmp_path / "made.edf").is_simulated


@pytest.mark.parametrize(
    ("given", "options", "kind", "words"),
    [
        (EMG[:0], {}, ValueError, "no samples"),
        (EMG.T, {}, ValueError, "transposed"),
        (EMG + 0j, {}, TypeError, "real numbers"),
        (EMG, {"rate_hz": 0}, ValueError, "rate_hz is 0"),
        (EMG, {"labels": ["one"]}, ValueError, "1 labels"),
        (EMG, {"start": datetime(2026, 11, 20)}, ValueError, "without a time zone"),  # noqa: DTZ001 - that is tested
    ],
)
def test_what_is_no_recording_is_refused(
    given: Any, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        from_array(given, **{"rate_hz": 500.0, **options})


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
@pytest.mark.parametrize("step", [1.0, 1.2, 1.25, 10.0, 305.0, 306.0, 5000.0])
def test_coarse_samples_keep_their_values_in_edf_and_bdf(tmp_path: Path, suffix: str, step: float) -> None:
    values = np.round(np.linspace(-100, 100, 3000)) * step
    path = tmp_path / f"coarse{suffix}"
    write(path, from_array(values, rate_hz=1000))
    assert np.allclose(read(path).samples()[:, 0], values, rtol=1e-4, atol=step / 2)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_the_largest_value_of_a_header_is_written_and_a_larger_one_is_refused(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(-9_999_999.0, 9_999_999.0, 3000)
    write(tmp_path / f"x{suffix}", from_array(values, rate_hz=1000))
    assert np.allclose(read(tmp_path / f"x{suffix}").samples()[:, 0], values, rtol=0, atol=3_400)  # half a step
    with pytest.raises(RecordingError, match="can state at most 9999999"):
        write(tmp_path / f"y{suffix}", from_array(values * 1.1, rate_hz=1000))


@pytest.mark.parametrize("wrong", [[1.0, 2.0], np.zeros(100), None, "night.edf"])
def test_only_recordings_are_written(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(TypeError, match="pass from_array"):
        write(tmp_path / "x.edf", wrong)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (30.0, TypeError, "must be a Temperature"),
        ((np.full(3, 30.0), 1.0), TypeError, "must be a Temperature"),
        (Temperature(np.full(3, 30.0), 0.0), ValueError, "must be positive"),
        (Temperature(np.full(3, 30.0), math.inf), ValueError, "must be positive"),
    ],
)
def test_a_temperature_that_is_none_is_refused(wrong: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        from_array(EMG, rate_hz=500, temperature=wrong)


def test_a_start_that_is_no_time_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a datetime"):
        from_array(EMG, rate_hz=500, start="2026-01-01")  # type: ignore[arg-type]  # what a caller without mypy does


@pytest.mark.parametrize("wrong", ["EMG arch", 5, [None]])
def test_channels_that_are_no_list_are_refused(tmp_path: Path, wrong: Any) -> None:
    write(tmp_path / "x.edf", from_array(EMG, rate_hz=500))
    with pytest.raises(TypeError, match="label"):
        read(tmp_path / "x.edf", channels=wrong)
