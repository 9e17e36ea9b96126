"""Every limit of the recordings package, at the limit and just beside it."""

import math
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import Annotation, Recording, Temperature, describe_stream, read, write
from crampwatch.recordings.channel_choice import Candidate, choose
from crampwatch.recordings.edf import layout as edf_layout
from crampwatch.recordings.edf.header import EdfHeader, EdfSignal, decode_header, encode_header, total_header_bytes
from crampwatch.recordings.edf.label import edf_labels
from crampwatch.recordings.edf.layout import EdfLayout
from crampwatch.recordings.limits import check_length, check_options, check_rate
from crampwatch.recordings.npz import reader as npz_reader
from crampwatch.recordings.text import reader as text_reader
from crampwatch.recordings.text.lines import encoding_of, is_text
from crampwatch.recordings.text.table import find_table
from crampwatch.recordings.units import is_foreign_unit, to_celsius, uv_per_unit
from crampwatch.recordings.value_step import value_step
from crampwatch.recordings.wfdb.header import decode_header as decode_wfdb_header
from numpy.typing import NDArray
from signals.recording_samples import edf_bytes, edf_signal, npz_bytes, samples_of

MONTH_S = 31 * 86_400


def recording(values: NDArray[np.float64], *, rate_hz: float = 1000.0, **fields: object) -> Recording:
    stream = describe_stream(
        labels=[f"EMG {number}" for number in range(1, values.shape[1] + 1)],
        rate_hz=rate_hz,
        lsb_uv=0.25,
        sample_format=SampleFormat.INT16,
    )
    facts = {"origin": Origin.REPLAY, "source_text": "a test", "sample_count": len(values)} | fields
    return Recording(stream=stream, blocks=lambda: iter([values]), **facts)  # type: ignore[arg-type]  # its own fields


@pytest.mark.parametrize("rate_hz", [10.0, 100_000.0])
def test_emg_may_be_sampled_at_10_to_100_000_hz(rate_hz: float) -> None:
    assert check_rate(rate_hz, "The header") == rate_hz
    check_options(rate_hz=rate_hz, scale_uv=None)
    assert choose([Candidate("EMG", "uV", rate_hz)], None).indices == (0,)


@pytest.mark.parametrize("rate_hz", [9.999, 100_001.0])
def test_emg_is_not_sampled_beyond_10_to_100_000_hz(rate_hz: float) -> None:
    with pytest.raises(RecordingError, match="The header states"):
        check_rate(rate_hz, "The header")
    with pytest.raises(ConfigurationError, match="--rate-hz"):
        check_options(rate_hz=rate_hz, scale_uv=None)
    with pytest.raises(RecordingError, match="samples a second"):
        choose([Candidate("EMG", "uV", rate_hz)], None)


def test_a_recording_has_at_least_one_sample_and_lasts_a_month_at_most() -> None:
    assert check_length(1, 1000.0, "It") == 1
    assert check_length(MONTH_S * 1000, 1000.0, "It") == MONTH_S * 1000
    with pytest.raises(RecordingError, match="no samples"):
        check_length(0, 1000.0, "It")
    with pytest.raises(RecordingError, match="31 days"):
        check_length(MONTH_S * 1000 + 1, 1000.0, "It")


@pytest.mark.parametrize("scale_uv", [1e-9, 1e9])
def test_the_smallest_and_the_largest_scale_are_accepted(scale_uv: float) -> None:
    check_options(rate_hz=None, scale_uv=scale_uv)


@pytest.mark.parametrize("scale_uv", [0.9e-9, 1.1e9])
def test_smaller_and_larger_scales_are_mistakes(scale_uv: float) -> None:
    with pytest.raises(ConfigurationError, match="--scale"):
        check_options(rate_hz=None, scale_uv=scale_uv)


def emg(count: int) -> list[Candidate]:
    return [Candidate(f"EMG {number}", "uV", 1000.0) for number in range(1, count + 1)]


def test_64_channels_are_read_and_65_are_refused_requested_or_not() -> None:
    everything: Sequence[int] = range(1, 65)
    assert len(choose(emg(64), None).indices) == 64
    assert len(choose(emg(65), everything).indices) == 64
    with pytest.raises(RecordingError, match="65 signals"):
        choose(emg(65), None)
    with pytest.raises(ConfigurationError, match="65 channels"):
        choose(emg(65), range(1, 66))


def test_channels_are_numbered_from_the_first_to_the_last() -> None:
    assert choose(emg(3), [1]).indices == (0,)
    assert choose(emg(3), [3]).indices == (2,)
    with pytest.raises(ConfigurationError, match="number 4"):
        choose(emg(3), [4])


def test_an_error_lists_40_labels_and_counts_the_rest() -> None:
    listed = [Candidate(f"SpO2 {number}", "%", 1.0) for number in range(1, 43)]
    with pytest.raises(RecordingError, match=r"'SpO2 40' and 2 more\."):
        choose(listed, None)
    with pytest.raises(RecordingError, match=r"'SpO2 40'\."):
        choose(listed[:40], None)


def test_of_equally_common_rates_the_faster_one_is_chosen() -> None:
    candidates = [Candidate("EMG 1", "uV", 200.0), Candidate("EMG 2", "uV", 500.0)]
    assert choose(candidates, None).indices == (1,)
    assert choose([*candidates, Candidate("EMG 3", "uV", 200.0)], None).indices == (0, 2)


@pytest.mark.parametrize("label", ["EMG imp", "Leg temp", "EMG time", "leg marker", "EMG quality"])
def test_what_is_measured_beside_emg_is_not_chosen(label: str) -> None:
    assert choose([Candidate(label, "", 2000.0), Candidate("EMG", "", 200.0)], None).indices == (1,)


def test_five_distinct_values_show_a_step_and_four_do_not() -> None:
    step = np.array([0.0, 0.75, 1.5, 2.25, 3.0])[:, None]
    assert value_step(step, finest=0.01) == pytest.approx(0.75)
    assert value_step(step[:4], finest=0.01) == 0.01


@pytest.mark.parametrize(("blur", "found"), [(0.1, 1.0), (0.2, 0.01)])
def test_values_may_be_off_the_grid_by_a_seventh_of_a_step(blur: float, found: float) -> None:
    grid = np.arange(200.0)
    grid[100] += blur
    assert value_step(grid[:, None], finest=0.01) == pytest.approx(found)


def test_only_the_first_20_000_samples_are_examined_for_a_step() -> None:
    values = np.append(np.arange(20_000.0) % 50, 0.25)[:, None]
    assert value_step(values, finest=0.01) == pytest.approx(1.0)
    assert value_step(values[1:], finest=0.01) == pytest.approx(0.25)


def test_rounding_errors_of_equal_values_are_no_step() -> None:
    values = np.arange(50.0)
    assert value_step(np.concatenate([values, values + 1e-9])[:, None], finest=0.01) == pytest.approx(1.0)


def test_the_coarsest_of_several_channels_gives_the_step() -> None:
    values = np.arange(50.0)
    assert value_step(np.column_stack([values * 0.5, values * 2.0]), finest=0.01) == pytest.approx(2.0)


def test_a_step_no_larger_than_the_finest_is_none() -> None:
    assert value_step(np.arange(50.0)[:, None] * 0.02, finest=0.01) == pytest.approx(0.02)
    assert value_step(np.arange(50.0)[:, None] * 0.01, finest=0.02) == 0.02


@pytest.mark.parametrize(("value", "present"), [(1e12, True), (-1e12, True), (1.001e12, False), (-math.inf, False)])
def test_values_beyond_a_million_volts_are_no_measurements(value: float, present: bool) -> None:
    assert np.isfinite(recording(np.array([[value]])).samples()[0, 0]) == present


def test_units_are_known_in_every_spelling() -> None:
    assert [uv_per_unit(unit) for unit in ("[uV]", " mV ", "Volt", "nV", "\N{GREEK SMALL LETTER MU}V")] == [
        1.0,
        1e3,
        1e6,
        1e-3,
        1.0,
    ]
    assert [is_foreign_unit(unit) for unit in ("", "a.u.", "mV", "Ohm", "%")] == [False, False, False, True, True]


def test_kelvin_and_fahrenheit_become_celsius() -> None:
    assert to_celsius(np.array([300.15]), "K").tolist() == pytest.approx([27.0])
    assert to_celsius(np.array([32.0, 212.0]), "degF").tolist() == pytest.approx([0.0, 100.0])
    assert to_celsius(np.array([33.0]), "degC").tolist() == [33.0]


def test_an_edf_header_describes_4096_signals_at_most() -> None:
    head = bytearray(encode_header(EdfHeader(False, "X", "X", None, "", 1, 1.0, (edf_signal(),))))
    head[252:256] = b"4096"
    assert total_header_bytes(bytes(head)) == 256 * 4097
    head[252:256] = b"4097"
    with pytest.raises(RecordingError, match="4097 signals"):
        total_header_bytes(bytes(head))
    with pytest.raises(RecordingError, match="after 255 bytes"):
        total_header_bytes(bytes(head[:255]))


@pytest.mark.parametrize(("year", "read_as"), [(b"84", 2084), (b"85", 1985), (b"99", 1999), (b"00", 2000)])
def test_two_digit_years_belong_to_1985_to_2084(year: bytes, read_as: int) -> None:
    head = bytearray(encode_header(EdfHeader(False, "X", "X", None, "", 1, 1.0, (edf_signal(),))))
    head[168:176] = b"02.03." + year
    start = decode_header(bytes(head)).start
    assert start is not None
    assert start.year == read_as


@pytest.mark.parametrize(("year", "expressible"), [(1984, False), (1985, True), (2084, True), (2085, False)], ids=str)
def test_edf_expresses_starts_from_1985_to_2084(tmp_path: Path, year: int, expressible: bool) -> None:
    start = datetime(year, 6, 1, tzinfo=UTC)
    write(tmp_path / "x.edf", recording(np.zeros((1000, 1)), start_utc_ns=int(start.timestamp()) * 10**9))
    assert read(tmp_path / "x.edf").start == (start if expressible else None)


@pytest.mark.parametrize(("record_s", "accepted"), [(86_400.0, True), (86_401.0, False)])
def test_a_data_record_lasts_a_day_at_most(record_s: float, accepted: bool) -> None:
    signal = EdfSignal("EMG", "uV", -100, 100, -100, 100, 100)
    header = EdfHeader(False, "X", "X", None, "", 1, record_s, (signal,))
    if accepted:
        edf_layout._check_records(header)
    else:
        with pytest.raises(RecordingError, match="at most a day"):
            edf_layout._check_records(header)


@pytest.mark.parametrize(("second_s", "accepted"), [(0.9925, True), (0.992, False)])
def test_data_records_overlap_by_rounding_at_most(second_s: float, accepted: bool) -> None:
    header = EdfHeader(False, "X", "X", None, "EDF+D", 2, 1.0, (edf_signal(),))
    layout = EdfLayout(Path("x.edf"), header, 2, 0.0, np.array([0.0, second_s]), ())
    if accepted:
        assert layout.starts(200).tolist() == [0, 200, 400]
    else:
        with pytest.raises(RecordingError, match="go back in time"):
            layout.starts(200)


@pytest.mark.parametrize(("second_s", "accepted"), [(float(MONTH_S), True), (MONTH_S + 1.0, False)])
def test_discontinuous_records_span_a_month_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second_s: float, accepted: bool
) -> None:
    monkeypatch.setattr(edf_layout, "LONGEST_S", float(MONTH_S))
    annotations = EdfSignal("EDF Annotations", "", -1, 1, -32_768, 32_767, 20)
    values = np.arange(200, dtype=np.int16)
    content = edf_bytes([edf_signal(), annotations], [[values, 0.0], [values, second_s]], reserved="EDF+D")
    (tmp_path / "x.edf").write_bytes(content)
    if accepted:
        assert edf_layout.locate_samples(tmp_path / "x.edf").record_count == 2
    else:
        with pytest.raises(RecordingError, match="more than a month"):
            edf_layout.locate_samples(tmp_path / "x.edf")


@pytest.mark.parametrize(("suffix", "full"), [(".edf", 32_767), (".bdf", 8_000_000)])
def test_the_largest_count_is_kept_and_beyond_it_saturates(tmp_path: Path, suffix: str, full: int) -> None:
    values = np.array([full, full + 1, -full, -full - 1, math.nan] * 200)[:, None] * 0.25
    write(tmp_path / f"x{suffix}", recording(values))
    back = samples_of(read(tmp_path / f"x{suffix}"))[:5, 0]
    expected = np.array([full, full, -full, -full, math.nan]) * 0.25
    assert np.allclose(back, expected, rtol=1e-6, equal_nan=True)


def test_rates_with_one_decimal_have_whole_seconds_in_a_record(tmp_path: Path) -> None:
    write(tmp_path / "x.edf", recording(np.zeros((2500, 1)), rate_hz=250.1))
    header = decode_header((tmp_path / "x.edf").read_bytes()[: 256 * 3])
    assert (header.record_s, header.signals[0].samples_per_record) == (10.0, 2501)


def test_every_annotation_finds_room_in_edf(tmp_path: Path) -> None:
    notes = [Annotation(0.001 * number, 0.5, "x" * 40) for number in range(400)]
    write(tmp_path / "x.edf", recording(np.zeros((3000, 1))), annotations=notes)
    assert (tmp_path / "x.edf").read_bytes().count(b"x" * 40) == 400


def test_skin_temperature_reaches_100_degrees_in_edf(tmp_path: Path) -> None:
    values = Temperature(np.array([99.99, 100.0, 101.0]), 1.0)
    write(tmp_path / "x.edf", recording(np.zeros((3000, 1)), temperature=values))
    back = read(tmp_path / "x.edf").temperature
    assert back is not None
    assert back.values_c.tolist() == pytest.approx([99.99, 100.0, 100.0], abs=0.002)


def test_a_fast_temperature_is_thinned_out_to_16_hz(tmp_path: Path) -> None:
    for rate, expected in ((16, 16.0), (17, 8.5)):
        probe = EdfSignal("Temp skin", "degC", -100, 100, -100, 100, rate)
        content = edf_bytes([edf_signal(), probe], [[np.arange(200, dtype=np.int16), np.arange(rate, dtype=np.int16)]])
        (tmp_path / "x.edf").write_bytes(content)
        temperature = read(tmp_path / "x.edf").temperature
        assert temperature is not None
        assert temperature.rate_hz == expected


def test_a_label_of_16_characters_stays_and_one_of_17_is_abbreviated() -> None:
    assert edf_labels(["EMG abductor hal"]) == ("EMG abductor hal",)
    assert edf_labels(["EMG left soleus 1"]) == ("EMG L Sol 1",)


def text(tmp_path: Path, content: str, **options: object) -> Recording:
    (tmp_path / "x.csv").write_text(content)
    return read(tmp_path / "x.csv", **options)  # type: ignore[arg-type]  # options of read


@pytest.mark.parametrize(("characters", "accepted"), [(65_536, True), (65_537, False)])
def test_a_line_has_65_536_characters_at_most(tmp_path: Path, characters: int, accepted: bool) -> None:
    last = "3".ljust(characters)
    if accepted:
        assert text(tmp_path, f"1\n2\n{last}", rate_hz=100.0).sample_count == 3
    else:
        with pytest.raises(RecordingError, match="more than 65536"):
            text(tmp_path, f"1\n2\n{last}", rate_hz=100.0)


@pytest.mark.parametrize(("words", "accepted"), [(1, True), (3, True), (4, False)])
def test_half_the_lines_of_a_piece_may_be_unreadable(tmp_path: Path, words: int, accepted: bool) -> None:
    # Only the first 64 KB are examined when a table is opened.
    good = "1,2\n" * 20_000
    later = "1,2\n" * 3 + "a,b\n" * words
    (tmp_path / "x.csv").write_text(good)
    opened = text_reader._find_table_in(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text(later)
    blocks = text_reader._blocks(opened, [0], np.ones(1))
    if accepted:
        assert np.isnan(next(blocks)[:, 0]).sum() == words
    else:
        with pytest.raises(RecordingError, match="are not numbers"):
            next(blocks)


@pytest.mark.parametrize(("step_s", "rate_hz"), [("0.099", 10.1010101), ("0.1", None)])
def test_a_time_column_without_a_unit_is_in_seconds_below_steps_of_a_tenth(
    tmp_path: Path, step_s: str, rate_hz: float | None
) -> None:
    rows = "".join(f"{number * float(step_s):.4f},{number % 7}\n" for number in range(50))
    if rate_hz is None:
        with pytest.raises(ConfigurationError, match="--rate-hz"):
            text(tmp_path, "time,emg\n" + rows)
    else:
        assert text(tmp_path, "time,emg\n" + rows).rate_hz == pytest.approx(rate_hz)


@pytest.mark.parametrize(("late_s", "regular"), [(0.0005, True), (0.002, False)])
def test_the_steps_of_a_time_column_may_differ_by_a_tenth(tmp_path: Path, late_s: float, regular: bool) -> None:
    times = np.arange(50) * 0.01
    times[25] += late_s
    rows = "time_s,emg\n" + "".join(f"{time:.4f},{number % 7}\n" for number, time in enumerate(times))
    if regular:
        assert text(tmp_path, rows).rate_hz == 100.0
    else:
        with pytest.raises(ConfigurationError, match="--rate-hz"):
            text(tmp_path, rows)


def test_lines_of_large_files_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "1,2\n" * 100
    monkeypatch.setattr(text_reader, "_COUNTED_BYTES", len(rows))
    assert text(tmp_path, rows, rate_hz=100.0).sample_count == 100
    assert text(tmp_path, rows + "1\n", rate_hz=100.0).sample_count is None


def test_nine_in_ten_examined_lines_agree_on_the_columns() -> None:
    rows = ["1;2"] * 90
    regular = find_table([*rows, *["1;2;3"] * 10])
    mixed = find_table([*rows, *["1;2;3"] * 30])
    assert regular is not None
    assert (regular.delimiter, regular.numeric) == (";", (0, 1))
    assert mixed is None or mixed.delimiter != ";"


def test_only_the_last_200_lines_decide_the_layout() -> None:
    table = find_table([*["a b c"] * 300, *["1\t2"] * 200])
    assert table is not None
    assert (table.delimiter, table.header_lines) == ("\t", 300)


def test_text_has_no_control_characters() -> None:
    assert is_text(b"1\t2\r\n\x1a")
    assert not is_text(b"1\x002\n")
    assert not is_text(b"1\x7f2\n")


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"\xef\xbb\xbf1\n", "utf-8-sig"),
        (b"\xff\xfe1\x00", "utf-16"),
        (b"\xb5V\n1\n2\n3\n", "latin-1"),
        ("\N{MICRO SIGN}V\n1\n2\n".encode(), "utf-8"),
        ("12345 \N{MICRO SIGN}".encode()[:-1], "utf-8"),
    ],
)
def test_the_encoding_follows_from_the_first_bytes(head: bytes, encoding: str) -> None:
    assert encoding_of(head) == encoding


@pytest.mark.parametrize(("channels", "accepted"), [(64, True), (65, False)])
def test_an_archive_has_64_channels_at_most(tmp_path: Path, channels: int, accepted: bool) -> None:
    (tmp_path / "x.npz").write_bytes(npz_bytes(emg=np.zeros((5, channels)), rate_hz=100.0))
    if accepted:
        assert read(tmp_path / "x.npz").stream.channels == channels
    else:
        with pytest.raises(RecordingError, match="at most 64"):
            read(tmp_path / "x.npz")


@pytest.mark.parametrize(("temp_rate_hz", "accepted"), [(1e5, True), (1.1e5, False), (0.0, False)])
def test_the_temperature_rate_of_an_archive_is_positive_and_bounded(
    tmp_path: Path, temp_rate_hz: float, accepted: bool
) -> None:
    content = npz_bytes(emg=np.zeros((5, 1)), rate_hz=100.0, temp_c=np.array([30.0]), temp_rate_hz=temp_rate_hz)
    (tmp_path / "x.npz").write_bytes(content)
    if accepted:
        temperature = read(tmp_path / "x.npz").temperature
        assert temperature is not None
        assert temperature.rate_hz == temp_rate_hz
    else:
        with pytest.raises(RecordingError, match="positive rate"):
            read(tmp_path / "x.npz")


def test_arrays_that_are_loaded_have_a_limited_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = npz_bytes(emg=np.zeros((5, 1)), rate_hz=100.0, labels=np.array(["EMG"]))
    (tmp_path / "x.npz").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        size = archive.getinfo("labels.npy").file_size
    monkeypatch.setattr(npz_reader, "_MOST_SMALL_BYTES", size)
    assert read(tmp_path / "x.npz").labels == ("EMG",)
    monkeypatch.setattr(npz_reader, "_MOST_SMALL_BYTES", size - 1)
    with pytest.raises(RecordingError, match="larger than"):
        read(tmp_path / "x.npz")


def test_an_array_that_is_exactly_complete_is_read(tmp_path: Path) -> None:
    values = np.arange(10.0)[:, None]
    (tmp_path / "x.npz").write_bytes(npz_bytes(emg=values, rate_hz=100.0))
    assert np.array_equal(read(tmp_path / "x.npz").samples(), values)


@pytest.mark.parametrize(("signals", "accepted"), [(1, True), (1024, True), (1025, False), (0, False)])
def test_a_wfdb_header_describes_1_to_1024_signals(signals: int, accepted: bool) -> None:
    header = f"n {signals} 200 4\n" + "n.dat 16 200\n" * signals
    if accepted:
        assert len(decode_wfdb_header(header).signals) == signals
    else:
        with pytest.raises(RecordingError, match=f"{signals} signals"):
            decode_wfdb_header(header)


def test_a_wfdb_record_without_a_rate_has_250_hz() -> None:
    assert decode_wfdb_header("n 1\nn.dat 16 200\n").rate_hz == 250.0


@pytest.mark.parametrize(("padding", "accepted"), [(0, True), (1, False)])
def test_a_wfdb_header_has_a_megabyte_at_most(tmp_path: Path, padding: int, accepted: bool) -> None:
    header = "n 1 200 4\nn.dat 16 200(0)/uV 16 0 0 0 0 EMG\n#"
    (tmp_path / "n.hea").write_text(header.ljust((1 << 20) + padding, "x"))
    (tmp_path / "n.dat").write_bytes(bytes(8))
    if accepted:
        assert read(tmp_path / "n.hea").sample_count == 4
    else:
        with pytest.raises(RecordingError, match="larger than a megabyte"):
            read(tmp_path / "n.hea")


@pytest.mark.parametrize(("per_frame", "accepted"), [(9_999, True), (65_537, False)])
def test_a_wfdb_frame_has_65_536_samples_at_most(tmp_path: Path, per_frame: int, accepted: bool) -> None:
    number = math.ceil(per_frame / 9_999)
    line = "n.dat 80x9999 1(0)/uV 8 0 0 0 0 EMG\n"
    (tmp_path / "n.hea").write_text(f"n {number} 1 1\n" + line * number)
    (tmp_path / "n.dat").write_bytes(bytes(9_999 * number))
    if accepted:
        assert read(tmp_path / "n.hea").sample_count == 9_999
    else:
        with pytest.raises(RecordingError, match="ends before the first sample"):
            read(tmp_path / "n.hea")
