import json
import math
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.protocol.errors import ConfigurationError, RecordingError, UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import Annotation, Recording, Temperature, describe_stream, write
from crampwatch.recordings.parquet.writer import write_parquet
from signals.recording_samples import ArraySource

START_UTC_NS = 1_790_000_000_123_456_789


def samples(count: int = 2500) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = np.round(np.random.default_rng(7).normal(0, 40, (count, 2)) * 4) / 4
    values[count // 4 : count // 2] = math.nan
    return values


def recording(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], **more: Any) -> Recording:
    stream = describe_stream(
        labels=["EMG left arch 1", "EMG left arch 2"], rate_hz=1000, lsb_uv=0.25, sample_format=SampleFormat.INT16
    )
    given = {"origin": Origin.LIVE, "source_text": "a test", "start_utc_ns": START_UTC_NS, "sensor": "CW-LEFT", **more}
    return Recording(stream=stream, blocks=lambda: iter([values]), **given)


def facts(table: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(table.schema.metadata[b"crampwatch"])
    return found


def test_what_is_read_back_is_what_was_recorded_and_gaps_are_null(tmp_path: Path) -> None:
    values = samples()
    temperature = Temperature(np.array([31.0, math.nan, 30.5]), 1.0)
    annotations = [Annotation(1.5, 0.25, "likely cramp, 93%"), Annotation(0.5, None, "lights out")]
    write(tmp_path / "x.parquet", recording(values, temperature=temperature), annotations=annotations)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["sample", "time", "EMG left arch 1_uV", "EMG left arch 2_uV", "temperature_degC"]
    assert table["sample"].to_numpy().tolist() == list(range(2500))
    assert table["time"].cast(pa.int64()).to_numpy()[[0, 2499]].tolist() == [START_UTC_NS, START_UTC_NS + 2_499_000_000]
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    for channel in range(2):
        column = table.column(2 + channel)
        assert column.null_count == 625
        assert np.array_equal(column.to_numpy(), values[:, channel], equal_nan=True)
        assert table.schema.field(2 + channel).metadata[b"unit"] == b"uV"
    celsius = table["temperature_degC"].to_pylist()
    assert (celsius[0], celsius[999], celsius[1000], celsius[2000]) == (31.0, 31.0, None, 30.5)
    metadata = facts(table)
    assert (metadata["origin"], metadata["simulated"], metadata["sensor"]) == ("live", False, "CW-LEFT")
    assert metadata["rate_hz"] == 1000
    assert [(note["onset_s"], note["text"]) for note in metadata["annotations"]] == [
        (0.5, "lights out"),
        (1.5, "likely cramp, 93%"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_simulated_data_is_marked_as_such(tmp_path: Path) -> None:
    source = ArraySource(samples())
    write(tmp_path / "x.parquet", simulated_recording(source), truth=source.truth)
    metadata = facts(pq.read_table(tmp_path / "x.parquet"))
    assert metadata["simulated"] is True
    assert metadata["about"].startswith("Simulated data.")
    assert "time" not in pq.read_table(tmp_path / "x.parquet").column_names


def test_channels_by_one_name_and_of_unknown_scale_are_reported_apart(tmp_path: Path) -> None:
    stream = describe_stream(labels=["calf", "calf"], rate_hz=200, lsb_uv=math.nan, sample_format=SampleFormat.INT24)
    values = samples(100)
    plain = Recording(stream=stream, blocks=lambda: iter([values]), origin=Origin.REPLAY, source_text="a test")
    write(tmp_path / "x.parquet", plain)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["sample", "calf 1", "calf 2"]
    assert table.schema.field("calf 1").metadata[b"unit"] == b"relative"


def test_a_night_is_written_by_the_row_group_with_progress(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    values = samples(600_000)
    write(tmp_path / "x.parquet", recording(values), progress=lambda *step: steps.append(step))
    assert steps == [(262_144, 600_000), (524_288, 600_000), (600_000, 600_000)]
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 3
    assert (tmp_path / "x.parquet").stat().st_size < 2 * 2 * 600_000  # no larger than the converter's own counts


def test_nothing_to_write_and_broken_promises_are_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no samples"):
        write(tmp_path / "x.parquet", recording(np.empty((0, 2))))
    with pytest.raises(RecordingError, match="states 9999 samples and has 2500"):
        write(tmp_path / "x.parquet", recording(samples(), sample_count=9999))
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(
        ConfigurationError, match=r"pyarrow, which is not installed.*pip install 'crampwatch\[parquet\]'"
    ):
        write(tmp_path / "x.parquet", recording(samples()))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file grow beyond 64 kB, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_leaves_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("last night")
    with pytest.raises(UnavailableError, match=r"The disk is full.*Free some space"):
        write(path, recording(samples(400_000)))
    assert path.read_text() == "last night"
    assert list(tmp_path.iterdir()) == [path]


def test_the_writer_stands_alone(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        write_parquet(file, recording(samples(10)))
    assert pq.read_table(tmp_path / "x").num_rows == 10
