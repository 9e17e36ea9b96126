from datetime import UTC, datetime
from pathlib import Path

import edfio
import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import read
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.edf.header import EdfHeader, EdfSignal, decode_header, encode_header
from crampwatch.recordings.edf.tal import decode_onset, decode_tals, encode_tal
from hypothesis import given
from hypothesis import strategies as st
from lanes.lanes import shared_data
from signals.recording_samples import Content, edf_bytes, edf_signal, samples_of

ANNOTATIONS = EdfSignal("EDF Annotations", "", -1, 1, -32_768, 32_767, 20)


def counts(record: int, samples: int = 200) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return (np.arange(samples) + 1000 * record).astype(np.int16)


def test_a_polysomnography_gives_the_legs_as_another_library_reads_them() -> None:
    path = shared_data("rsleep", "subject1.edf")
    recording = read(path)
    assert recording.stream.labels == ("Right Leg", "Left Leg")
    assert recording.stream.rate_hz == 200.0
    assert recording.stream.lsb_uv == pytest.approx(31.25, rel=1e-3)
    assert recording.sample_count == 24_000
    assert recording.start_utc_ns == int(datetime(2018, 2, 6, 1, 36, 50, tzinfo=UTC).timestamp()) * 10**9
    other = edfio.read_edf(path, header_encoding="latin-1")
    expected = np.column_stack([other.get_signal(label).data for label in recording.stream.labels]) * 1e6
    assert np.allclose(samples_of(recording), expected, atol=1e-6)


def test_bdf_gives_what_another_library_wrote(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    data = rng.normal(0, 100, 4 * 256)
    signals = [
        edfio.BdfSignal(
            data, sampling_frequency=256, label="EMG calf", physical_dimension="uV", physical_range=(-1000, 1000)
        ),
        edfio.BdfSignal(np.linspace(30, 31, 4), sampling_frequency=1, label="Skin temp", physical_dimension="degC"),
    ]
    edfio.Bdf(signals, annotations=[edfio.EdfAnnotation(1.0, None, "note")]).write(tmp_path / "x.bdf")
    recording = read(tmp_path / "x.bdf")
    assert np.allclose(samples_of(recording)[:, 0], data, atol=2e-4)
    assert recording.temperature is not None
    assert recording.temperature.rate_hz == 1.0
    assert np.allclose(recording.temperature.values_c, np.linspace(30, 31, 4), atol=1e-5)


@pytest.mark.parametrize(
    ("unit", "factor"), [("V", 1e6), ("mV", 1e3), ("MV", 1e3), ("uV", 1.0), ("\N{MICRO SIGN}V", 1.0), ("nV", 1e-3)]
)
def test_values_come_in_microvolts_whatever_the_unit(tmp_path: Path, unit: str, factor: float) -> None:
    content = edf_bytes([edf_signal(unit="??")], [[counts(0)]])
    (tmp_path / "x.edf").write_bytes(content.replace(b"??", unit.encode("latin-1").ljust(2)[:2]))
    recording = read(tmp_path / "x.edf")
    assert recording.stream.lsb_uv == pytest.approx(factor)
    assert np.allclose(samples_of(recording)[:, 0], counts(0) * factor)


def test_samples_of_an_unknown_unit_are_read_unscaled_and_the_scale_is_reported_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes([edf_signal(unit="")], [[counts(0)]]))
    recording = read(tmp_path / "x.edf")
    assert not recording.stream.has_scale
    assert recording.value_step == 1.0
    assert "relative units" in recording.source_text
    assert np.array_equal(samples_of(recording)[:, 0], counts(0))
    assert read(tmp_path / "x.edf", scale_uv=2.0).stream.lsb_uv == pytest.approx(2.0)


def test_time_that_jumps_between_records_becomes_a_gap(tmp_path: Path) -> None:
    signals = [edf_signal(), ANNOTATIONS]
    records: list[list[Content]] = [[counts(0), 0.5], [counts(1), 1.5], [counts(2), 4.0]]
    (tmp_path / "x.edf").write_bytes(edf_bytes(signals, records, reserved="EDF+D"))
    recording = read(tmp_path / "x.edf")
    values = samples_of(recording, chunk_samples=33)[:, 0]
    assert recording.sample_count == len(values) == 900
    assert np.array_equal(values[:400], np.concatenate([counts(0), counts(1)]))
    assert np.all(np.isnan(values[400:700]))
    assert np.array_equal(values[700:], counts(2))
    start = datetime(2024, 3, 2, 23, 15, 4, 500_000, tzinfo=UTC)
    assert recording.start_utc_ns == round(start.timestamp() * 1000) * 10**6


@pytest.mark.parametrize("second", [0.4, -100.0, 1e9])
def test_time_that_goes_back_or_far_away_is_damage(tmp_path: Path, second: float) -> None:
    content = edf_bytes([edf_signal(), ANNOTATIONS], [[counts(0), 0.0], [counts(1), second]], reserved="EDF+D")
    (tmp_path / "x.edf").write_bytes(content)
    with pytest.raises(RecordingError, match=r"back in time|more than a month"):
        read(tmp_path / "x.edf")


def test_a_discontinuous_file_without_times_is_damage(tmp_path: Path) -> None:
    content = edf_bytes([edf_signal(), ANNOTATIONS], [[counts(0), 0.0], [counts(1), 2.0]], reserved="EDF+D")
    (tmp_path / "x.edf").write_bytes(content.replace(b"+2\x14", b"?2\x14"))
    with pytest.raises(RecordingError, match=r"record 2 .* does not state its start"):
        read(tmp_path / "x.edf")


def test_what_is_whole_of_a_truncated_file_is_read_with_a_warning(tmp_path: Path) -> None:
    content = edf_bytes([edf_signal()], [[counts(0)], [counts(1)], [counts(2)]])
    (tmp_path / "x.edf").write_bytes(content[:-150])
    recording = read(tmp_path / "x.edf")
    assert len(samples_of(recording)) == recording.sample_count == 400
    assert "promises 3 data records; the file has 2 complete ones" in recording.warnings[0]
    assert "last 250 bytes" in recording.warnings[1]


def test_an_unfinished_recording_is_read_as_far_as_it_got(tmp_path: Path) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes([edf_signal()], [[counts(0)], [counts(1)]], record_count=-1))
    recording = read(tmp_path / "x.edf")
    assert recording.sample_count == 400
    assert "unfinished" in recording.warnings[0]


def test_an_anonymised_date_is_no_time(tmp_path: Path) -> None:
    content = edf_bytes([edf_signal()], [[counts(0)]], recording="Startdate X X X X", start=None)
    (tmp_path / "x.edf").write_bytes(content)
    assert read(tmp_path / "x.edf").start_utc_ns is None


def test_only_files_marked_as_simulated_are_demonstrations(tmp_path: Path) -> None:
    words = "Startdate 02-MAR-2024 X X crampwatch simulated"
    (tmp_path / "x.edf").write_bytes(edf_bytes([edf_signal()], [[counts(0)]], recording=words))
    (tmp_path / "y.edf").write_bytes(edf_bytes([edf_signal()], [[counts(0)]]))
    assert read(tmp_path / "x.edf").origin is Origin.DEMO
    assert read(tmp_path / "y.edf").origin is Origin.REPLAY


def test_only_our_own_files_have_a_code_for_missing_samples(tmp_path: Path) -> None:
    rail = np.full(200, -32_768, np.int16)
    (tmp_path / "ours.edf").write_bytes(
        edf_bytes([edf_signal()], [[rail]], recording="Startdate X X X crampwatch samples=150")
    )
    (tmp_path / "theirs.edf").write_bytes(edf_bytes([edf_signal()], [[rail]]))
    ours = samples_of(read(tmp_path / "ours.edf"))
    assert len(ours) == 150
    assert np.all(np.isnan(ours))
    assert np.allclose(samples_of(read(tmp_path / "theirs.edf")), -32_768.0)


def test_a_range_that_makes_no_scale_leaves_counts(tmp_path: Path) -> None:
    flat = EdfSignal("EMG", "uV", 0.0, 0.0, -100, 100, 200)
    (tmp_path / "x.edf").write_bytes(edf_bytes([flat], [[counts(0)]]))
    recording = read(tmp_path / "x.edf")
    assert not recording.stream.has_scale
    assert np.array_equal(samples_of(recording)[:, 0], counts(0))


def test_the_filters_of_the_recorder_are_the_band(tmp_path: Path) -> None:
    signal = EdfSignal("EMG", "uV", -1, 1, -1, 1, 200, "HP:10Hz LP:70Hz N:50Hz")
    (tmp_path / "x.edf").write_bytes(edf_bytes([signal], [[counts(0)]]))
    assert read(tmp_path / "x.edf").stream.band_hz == (10.0, 70.0)


def test_a_rate_given_by_the_user_wins(tmp_path: Path) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes([edf_signal()], [[counts(0)]]))
    assert read(tmp_path / "x.edf", rate_hz=400.0).stream.rate_hz == 400.0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (slice(252, 256), b"0   ", "0 signals"),
        (slice(252, 256), b"9999", "9999 signals"),
        (slice(252, 256), b"two ", "number of signals"),
        (slice(236, 244), b"many    ", "number of data records"),
        (slice(244, 252), b"0       ", "data records of 0 s"),
        (slice(244, 252), b"-1      ", "data records of -1 s"),
        (slice(244, 252), b"nan     ", "data records of nan s"),
        (slice(244, 252), b"0.000001", "2e\\+08 samples a second"),
        (slice(244, 252), b"80000   ", "0.0025 samples a second"),
        (slice(472, 480), b"99999999", "ends before its first data record"),
        (slice(472, 480), b"-5      ", "-5 samples"),
        (slice(472, 480), b"0       ", "no samples"),
    ],
)
def test_a_header_that_lies_is_reported(tmp_path: Path, field: slice, value: bytes, message: str) -> None:
    content = bytearray(edf_bytes([edf_signal()], [[counts(0)]]))
    content[field] = value
    (tmp_path / "x.edf").write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        read(tmp_path / "x.edf")


@pytest.mark.parametrize("length", [200, 256, 400, 512, 600])
def test_a_file_cut_before_its_first_record_is_reported(tmp_path: Path, length: int) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes([edf_signal()], [[counts(0)]])[:length])
    with pytest.raises(RecordingError, match=r"ends (after|before)"):
        read(tmp_path / "x.edf")


def test_channels_are_chosen_by_label_and_unknown_ones_listed(tmp_path: Path) -> None:
    signals = [edf_signal("EMG 1"), edf_signal("EMG 2")]
    (tmp_path / "x.edf").write_bytes(edf_bytes(signals, [[counts(0), counts(3)]]))
    assert np.array_equal(samples_of(read(tmp_path / "x.edf", channels=["EMG 2"]))[:, 0], counts(3))
    with pytest.raises(ConfigurationError, match="'EMG 1', 'EMG 2'"):
        read(tmp_path / "x.edf", channels=["EMG 3"])


@given(st.integers(1, 4), st.booleans(), st.sampled_from([0.125, 1.0, 10.0]), st.integers(-1, 9999))
def test_headers_survive_writing_and_reading(signals: int, is_bdf: bool, record_s: float, records: int) -> None:
    header = EdfHeader(
        is_bdf=is_bdf,
        patient="X X X X",
        recording="Startdate 29-FEB-2024 X X recorder",
        start=datetime(2024, 2, 29, 22, 5, 1, tzinfo=UTC),
        reserved="EDF+D",
        record_count=records,
        record_s=record_s,
        signals=tuple(edf_signal(f"EMG {i}") for i in range(signals)),
        stated_bytes=256 * (signals + 1),
    )
    assert decode_header(encode_header(header)) == header


@given(st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e6), st.text(min_size=1))
def test_annotations_survive_writing_and_reading(onset_s: float, duration_s: float | None, text: str) -> None:
    raw = encode_tal(Annotation(0.0, None, "")) + encode_tal(Annotation(onset_s, duration_s, text))
    (found,) = decode_tals(raw + b"\0\0")
    assert found.onset_s == pytest.approx(onset_s, abs=1e-6)
    assert (found.duration_s is None) == (duration_s is None)
    assert found.text == "".join(letter if letter.isprintable() else " " for letter in text)
    assert decode_onset(raw) == 0.0


def test_a_record_without_entries_has_no_onset() -> None:
    assert decode_onset(b"\0" * 20) is None
