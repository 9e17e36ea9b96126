import logging
import math
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings import read
from crampwatch.recordings.wfdb.header import decode_header
from crampwatch.recordings.wfdb.samples import BITS, bytes_of, decode_samples
from hypothesis import given
from hypothesis import strategies as st
from lanes.lanes import shared_data
from signals.recording_samples import samples_of, wfdb_record

COUNTS = np.array([[5, 7], [105, -1], [-32_768, 9], [15, 11]], np.int16)


@pytest.mark.parametrize(
    ("name", "samples", "first_uv"), [("emg_healthy", 50_860, -33.3), ("emg_neuropathy", 147_858, 90.0)]
)
def test_published_needle_recordings_agree_with_their_own_checksums(name: str, samples: int, first_uv: float) -> None:
    """The header's first value, number of samples and checksum were written by whoever published the file."""
    recording = read(shared_data("emgdb", f"{name}.hea"))
    values = samples_of(recording)
    assert recording.warnings == ()
    assert values.shape == (samples, 1)
    assert recording.stream.rate_hz == 4000.0
    assert recording.stream.lsb_uv == pytest.approx(0.1)
    assert recording.stream.labels == ("EMG",)
    assert values[0, 0] == pytest.approx(first_uv)


def test_a_record_is_found_by_its_signal_file_too() -> None:
    by_signals = read(shared_data("emgdb", "emg_healthy.dat"))
    assert np.array_equal(samples_of(by_signals), samples_of(read(shared_data("emgdb", "emg_healthy.hea"))))


def test_gain_baseline_and_the_missing_code_are_applied(tmp_path: Path) -> None:
    recording = read(wfdb_record(tmp_path, COUNTS))
    assert recording.warnings == ()
    expected = [[0.0, 1.0], [50.0, -3.0], [math.nan, 2.0], [5.0, 3.0]]
    assert np.array_equal(samples_of(recording), expected, equal_nan=True)


def test_channels_come_in_the_order_asked_for(tmp_path: Path) -> None:
    recording = read(wfdb_record(tmp_path, COUNTS), channels=["EMG 2", 1])
    assert recording.stream.labels == ("EMG 2", "EMG 1")
    assert samples_of(recording)[1].tolist() == [-3.0, 50.0]


def test_a_wrong_checksum_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = wfdb_record(tmp_path, COUNTS)
    changed = COUNTS.copy()
    changed[3, 1] += 1
    (tmp_path / "night.dat").write_bytes(changed.tobytes())
    with caplog.at_level(logging.WARNING):
        recording = read(path)
    assert recording.warnings == ("The samples of 'EMG 2' do not add up to the header's checksum.",)
    assert "checksum" in caplog.text
    assert len(samples_of(recording)) == 4


def test_a_wrong_first_value_is_a_warning(tmp_path: Path) -> None:
    path = wfdb_record(tmp_path, COUNTS)
    path.write_text(path.read_text().replace(" 0 5 ", " 0 6 "))
    assert read(path).warnings == ("'EMG 1' begins with 5; the header states 6.",)


def test_what_is_whole_of_a_truncated_record_is_read_with_a_warning(tmp_path: Path) -> None:
    path = wfdb_record(tmp_path, COUNTS)
    (tmp_path / "night.dat").write_bytes(COUNTS.tobytes()[:-3])
    recording = read(path)
    assert len(samples_of(recording)) == recording.sample_count == 3
    assert recording.warnings == ("The header states 4 samples; the signal file ends after 3.",)


def test_signals_of_several_files_and_rates_are_reported_apart(tmp_path: Path) -> None:
    header = (
        "two 3 100 2\na.dat 16x2 1/uV 16 0 1 0 0 EMG\nb.dat 80+1 1/uV 8 0 1 0 0 EMG slow\na.dat 16 1/mV 16 0 1 0 0 x\n"
    )
    (tmp_path / "two.hea").write_text(header)
    (tmp_path / "a.dat").write_bytes(np.array([1, 2, 50, 3, 4, 60], "<i2").tobytes())
    (tmp_path / "b.dat").write_bytes(bytes([99, 129, 127]))
    fast = read(tmp_path / "two.hea", channels=["EMG"])
    assert fast.stream.rate_hz == 200.0
    assert samples_of(fast)[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    slow = read(tmp_path / "two.hea", channels=["EMG slow"])
    assert samples_of(slow)[:, 0].tolist() == [1.0, -1.0]


def test_an_uncalibrated_record_is_in_relative_units(tmp_path: Path) -> None:
    path = wfdb_record(tmp_path, COUNTS, header="night 1 200 8\nnight.dat 16 0 16 0 5\n")
    recording = read(path)
    assert not recording.stream.has_scale
    assert recording.value_step == 1.0
    assert samples_of(recording)[:3, 0].tolist() == [5.0, 7.0, 105.0]
    assert read(path, scale_uv=0.5).stream.lsb_uv == pytest.approx(0.5)


def test_the_start_in_the_header_is_read() -> None:
    header = decode_header("n 1 250 0 22:30:15.250 01/02/2024\nn.dat 16\n")
    assert header.start is not None
    assert header.start.isoformat() == "2024-02-01T22:30:15.250000+00:00"
    assert header.sample_count is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "begins with nothing"),
        ("n\n", "begins with 'n'"),
        ("n/3 1 200\nn.dat 16\n", "several segments"),
        ("n 2 200 4\nnight.dat 16\n", "promises 2 signals and describes 1"),
        ("n 1 200 4\nnight.dat 8 200\n", "WFDB format 8; readable are 16, 24"),
        ("n 1 200 4\nnight.dat sixteen\n", "describes a signal as"),
        ("n 1 fast 4\nnight.dat 16\n", "rate 'fast'"),
        ("n 1 200 many\nnight.dat 16\n", "'many'"),
        ("n 1 200 4\nnight.dat 16 1e999/uV 16 0\n", "gain"),
        ("n 1 200 4\nnight.dat 16 x/uV 16 0\n", "gain"),
        ("n 1 200 4\n../night.dat 16 1/uV\n", "not in the header's folder"),
        ("n 1 200 4\nnight.dat 16:5 1/uV\n", "skewed"),
        ("n 1 200 4\nother.dat 16 1/uV\n", "not beside its header"),
        ("n 1 200 4\nnight.dat 16+999 1/uV\n", "ends before the first sample"),
        ("n 2 200 4\nnight.dat 16 1/uV\nnight.dat 80 1/uV\n", "several formats"),
        ("n 1 1e9 4\nnight.dat 16 1/uV 16 0 5 0 0 EMG\n", "samples a second"),
        ("n 1 0 4\nnight.dat 16 1/uV 16 0 5 0 0 EMG\n", "samples a second"),
    ],
)
def test_a_header_that_lies_is_reported(tmp_path: Path, header: str, message: str) -> None:
    path = wfdb_record(tmp_path, COUNTS, header=header or "# nothing\n")
    with pytest.raises(RecordingError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("number", "packed", "expected"),
    [
        (16, "0100 ffff 0080", [1, -1, -32_768]),
        (61, "0001 ffff 8000", [1, -1, -32_768]),
        (160, "0180 ff7f 0000", [1, -1, -32_768]),
        (80, "81 7f 00", [1, -1, -128]),
        (24, "010000 ffffff 000080", [1, -1, -8_388_608]),
        (32, "01000000 ffffffff 00000080", [1, -1, -2_147_483_648]),
        (212, "01f0ff 0008", [1, -1, -2_048]),
    ],
)
def test_samples_are_decoded_as_the_specification_lays_them_out(number: int, packed: str, expected: list[int]) -> None:
    raw = bytes.fromhex(packed)
    assert bytes_of(3, number) == len(raw)
    assert decode_samples(raw, number, 3).tolist() == expected


@given(st.sampled_from(sorted(BITS)), st.binary(min_size=1, max_size=64))
def test_any_bytes_decode_to_values_their_bits_can_hold(number: int, raw: bytes) -> None:
    samples = len(raw) * 8 // BITS[number]
    values = decode_samples(raw, number, samples)
    assert len(values) == samples
    assert np.all(np.abs(values.astype(np.int64) + 0.5) <= 2 ** (BITS[number] - 1))


def test_twelve_bit_pairs_do_not_shift_between_blocks(tmp_path: Path) -> None:
    """An odd number of samples a frame ends in the middle of a byte at odd frames."""
    values = np.random.default_rng(3).integers(-2047, 2048, (30_001, 3))
    flat = np.append(values.reshape(-1), 0 if values.size % 2 else []).astype(np.int64) & 0xFFF
    first, second = flat[0::2], flat[1::2]
    packed = np.column_stack([first & 0xFF, (first >> 8) | (second >> 4 & 0xF0), second & 0xFF]).astype(np.uint8)
    (tmp_path / "n.dat").write_bytes(packed.tobytes())
    signals = "".join(
        f"n.dat 212 1/uV 12 0 {values[0, i]} {int(values[:, i].sum()) % 65_536} 0 EMG {i}\n" for i in range(3)
    )
    (tmp_path / "n.hea").write_text("n 3 1000 30001\n" + signals)
    recording = read(tmp_path / "n.hea")
    assert recording.warnings == ()
    assert np.array_equal(samples_of(recording), values)
