import logging
import math
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.recordings import read
from lanes.lanes import shared_data
from signals.recording_samples import samples_of

COLUMN = [0.5, -1.25, 3.0, 0.0, 2.5]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_counts_with_the_rate_in_the_header_need_no_option() -> None:
    recording = read(shared_data("biosppy", "emg_1.txt"))
    values = samples_of(recording)
    assert recording.stream.rate_hz == 1000.0
    assert recording.stream.labels == ("EMG",)
    assert not recording.stream.has_scale
    assert recording.value_step == 1.0
    assert recording.sample_count == len(values) == 63_880
    assert values[:3, 0].tolist() == [2034.0, 2011.0, 2004.0]


def test_columns_of_a_laboratory_table_are_picked_and_scaled() -> None:
    path = shared_data("uci_lower_limb", "3Asen.txt")
    recording = read(path, rate_hz=1000.0, scale_uv=1000.0, column=[1, 4])
    values = samples_of(recording)
    assert recording.stream.lsb_uv == pytest.approx(0.75, rel=0.01)
    assert np.allclose(values[:2], [[-0.8, -0.8], [-1.5, -3.0]])
    assert np.isnan(values[-1]).all()


def test_an_armband_without_a_regular_clock_needs_a_rate() -> None:
    path = shared_data("uci_gestures", "1_raw_data_11-08_21.03.16.txt")
    with pytest.raises(ConfigurationError, match="--rate-hz"):
        read(path)
    recording = read(path, rate_hz=1000.0, scale_uv=1e6)
    assert recording.stream.labels == tuple(f"channel{i}" for i in range(1, 9))
    assert recording.stream.lsb_uv == pytest.approx(10.0)
    assert samples_of(recording)[0, 0] == pytest.approx(-20.0)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "   ", "|", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_delimiter_and_line_end_is_understood(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [delimiter.join([f"{value}", f"{-value}"]) for value in COLUMN]
    path = write(tmp_path / "x.csv", end.join(["% a remark", f"left{delimiter}right", *rows]) + end)
    recording = read(path, rate_hz=100.0)
    assert recording.stream.labels == ("left", "right")
    assert samples_of(recording).tolist() == [[value, -value] for value in COLUMN]


@pytest.mark.parametrize("delimiter", [";", "\t", " "])
def test_decimal_commas_are_understood(tmp_path: Path, delimiter: str) -> None:
    rows = [delimiter.join([f"{value:.2f}", f"{-value:.2f}"]).replace(".", ",") for value in COLUMN]
    path = write(tmp_path / "x.txt", "\n".join(rows))
    assert samples_of(read(path, rate_hz=100.0)).tolist() == [[value, -value] for value in COLUMN]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_any_usual_encoding_is_understood(tmp_path: Path, encoding: str) -> None:
    path = write(
        tmp_path / "x.csv", "fu\N{LATIN SMALL LETTER SHARP S};EMG (\N{MICRO SIGN}V)\n1;2\n3;4\n5;6\n", encoding
    )
    recording = read(path, rate_hz=100.0, channels=["EMG"])
    assert recording.stream.has_scale
    assert samples_of(recording)[:, 0].tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(("label", "uv"), [("EMG_mV", 1e3), ("EMG [uV]", 1.0), ("EMG (V)", 1e6)])
def test_a_unit_in_the_label_is_the_scale(tmp_path: Path, label: str, uv: float) -> None:
    path = write(tmp_path / "x.csv", f"time_s,{label}\n0.00,1\n0.01,2\n0.02,4\n")
    recording = read(path)
    assert recording.stream.labels == ("EMG",)
    assert recording.stream.rate_hz == 100.0
    assert samples_of(recording)[:, 0].tolist() == [uv, 2 * uv, 4 * uv]


@pytest.mark.parametrize(
    ("head", "step", "rate_hz"), [("time_ms,EMG", 2.0, 500.0), ("t [s],EMG", 0.002, 500.0), ("", 0.005, 200.0)]
)
def test_a_regular_time_column_gives_the_rate(tmp_path: Path, head: str, step: float, rate_hz: float) -> None:
    rows = "".join(f"{i * step:.3f},{i * i % 7}\n" for i in range(20))
    recording = read(write(tmp_path / "x.csv", head + "\n" * bool(head) + rows))
    assert recording.stream.rate_hz == rate_hz
    assert recording.stream.channels == 1


def test_a_column_of_whole_numbers_is_no_clock(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--rate-hz"):
        read(write(tmp_path / "x.csv", "".join(f"{i},{i * i % 7}\n" for i in range(20))))


def test_words_stand_beside_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "when,emg,what\n12:00:01,1,rest\n12:00:02,2,rest\n12:00:03,4,curl\n")
    assert samples_of(read(path, rate_hz=100.0))[:, 0].tolist() == [1.0, 2.0, 4.0]
    with pytest.raises(ConfigurationError, match="'what' holds no numbers"):
        read(path, rate_hz=100.0, column=[3])


def test_empty_and_damaged_cells_are_missing_samples(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = ["1,10", ",20", "3,", "4,nan", "5", "six,60", *(f"{i},{i}" for i in range(7, 60))]
    path = write(tmp_path / "x.csv", "\n".join(["a,b", *rows]))
    recording = read(path, rate_hz=100.0)
    with caplog.at_level(logging.WARNING):
        values = samples_of(recording)
    nan = math.nan
    expected: list[list[float]] = [[1, 10], [nan, 20], [3, nan], [4, nan], [5, nan], [nan, 60], [7, 7]]
    assert np.array_equal(values[:7], expected, equal_nan=True)
    assert recording.sample_count == len(values) == 59
    assert "2 lines could not be read" in caplog.text


def test_a_temperature_column_is_not_taken_for_emg(tmp_path: Path) -> None:
    rows = "".join(f"{i},{300 + i / 100}\n" for i in range(250))
    recording = read(write(tmp_path / "x.csv", "emg,skin temp [K]\n" + rows), rate_hz=100.0)
    assert recording.stream.labels == ("emg",)
    assert recording.temperature is not None
    assert recording.temperature.rate_hz == 1.0
    assert recording.temperature.values_c == pytest.approx([26.85, 27.85, 28.85])


def test_columns_count_from_one_and_exclude_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "1,2\n3,4\n5,6\n")
    with pytest.raises(ConfigurationError, match="from 1"):
        read(path, rate_hz=100.0, column=[0])
    with pytest.raises(ConfigurationError, match="--channels or --column"):
        read(path, rate_hz=100.0, column=[1], channels=[2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dear diary\nI slept well\n", "no table of numbers"),
        ("\n\n\n", "no table of numbers"),
        ("# only a remark\n", "no table of numbers"),
        ("Sampling rate: 0 Hz\n1\n2\n3\n", "0 samples a second"),
        ("Sampling rate: 900 kHz\n1\n2\n3\n", "900000 samples a second"),
    ],
)
def test_text_that_is_no_recording_is_reported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        read(write(tmp_path / "x.csv", text))


def test_a_table_that_turns_into_something_else_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "x.txt", "1\n2\n3\n" * 20_000 + "and then he said\n" * 300_000)
    with pytest.raises(RecordingError, match="are not numbers"):
        samples_of(read(path, rate_hz=100.0))


def test_an_endless_line_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"line of more than|No table"):
        samples_of(read(write(tmp_path / "x.txt", "1\n2\n" + "1 " * 5_000_000), rate_hz=100.0))


def test_samples_are_the_same_however_large_the_file(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(0, 50, 400_000).round(3)
    path = write(tmp_path / "x.txt", "\n".join(map(str, values)))
    recording = read(path, rate_hz=1000.0)
    assert recording.sample_count == 400_000
    assert np.array_equal(samples_of(recording)[:, 0], values[:400_000])
