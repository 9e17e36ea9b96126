"""`crampwatch backfill-store`: a recorded session into a new database, by the command line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from crampwatch.app.cli.main import main
from crampwatch.protocol.frame import Frame, encode_samples
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Battery, Episode
from crampwatch.protocol.records import RecordKind
from crampwatch.protocol.temperature import encode_temperature
from crampwatch.store.engines import open_store
from crampwatch.store.model.interface import Store
from lanes.influx_server import TOKEN, InfluxServer, influx_server
from nights.simulated_night import foot_counts
from nights.stored_messages import journal, notice
from numpy.typing import NDArray
from signals.sensor_records import BEGIN_NS, PaperSensor, record, sync_record, write_session

LENGTH_S = 70
STEP = 100


@dataclass
class SimulatedSensor(PaperSensor):
    """A sensor on paper with a simulated muscle."""

    signal: NDArray[np.int32] | None = None

    def frame_at(self, first: int) -> Frame:
        assert self.signal is not None
        payload = encode_samples(self.signal[first : first + STEP], self.stream.format)
        return replace(self.frame(first, STEP), payload=payload)


def recorded(folder: Path) -> tuple[Path, NDArray[np.int32]]:
    """Write a session with a cramp; return it and its samples."""
    signal = foot_counts("cramp", LENGTH_S, seed=2)
    sensor = SimulatedSensor(signal=signal)
    records = [
        record(RecordKind.CONNECTED, 0, b'{"mtu": 247}'),
        record(RecordKind.INFO, 0, sensor.info()),
        *(sync_record(sensor, n / 50, n / 50 + 0.01, n / 50 + 0.02) for n in range(5)),
        record(RecordKind.TEMPERATURE, 1, encode_temperature(31.5)),
        record(RecordKind.BATTERY, 2, bytes([77])),
    ]
    for first in range(0, len(signal), STEP):
        arrived_s = sensor.time_of(first + STEP) + 0.15
        records.append(record(RecordKind.DATA, arrived_s, sensor.frame_at(first).encode()))
    return write_session(folder / "sessions", records, end_s=LENGTH_S + 1), signal


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server


def backfill(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, int]]:
    """Run the command; return what it prints for each session."""
    assert main(["backfill-store", "--json", *map(str, arguments)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def contents(store: Store) -> tuple[list[Episode], list[object]]:
    span = {"since_ns": BEGIN_NS - 10**9, "until_ns": BEGIN_NS + 3600 * 10**9}
    series = [store.series("CW-0001", name, **span) for name in ("features", "temperature", "battery")]
    counted = [len(one) for one in series]
    raw = store.raw_emg("CW-0001", **span)
    return store.episodes(), [counted, [(one.chunk, int(one.is_present.sum())) for one in raw], store.nights()]


def test_a_session_is_loaded_into_both_engines_alike_and_twice_as_once(
    influx: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, signal = recorded(tmp_path)
    (report,) = backfill(capsys, "--data", tmp_path)
    monkeypatch.setenv("CRAMPWATCH_STORE_TOKEN", TOKEN)
    assert backfill(capsys, "--data", tmp_path, "--store", influx.url, path)[0]["episodes"] == report["episodes"]
    lite, flux = open_store(f"sqlite://{tmp_path}/store.sqlite"), open_store(influx.url, token=TOKEN)
    lite.write([journal(1), notice(2)])
    once = contents(flux)
    assert contents(lite) == once
    backfill(capsys, "--data", tmp_path, "--store", influx.url)
    assert contents(flux) == once
    assert flux.journal() == [journal(1)], "what the wearer noted is only in the old store"
    _check_raw(flux, once[0], signal)
    (night,) = flux.nights()
    assert night.side == "left"
    assert night.coverage == pytest.approx(1.0, abs=0.05)
    lite.close()
    flux.close()


def _check_raw(store: Store, episodes: list[Episode], signal: NDArray[np.int32]) -> None:
    cramp = next(one for one in episodes if one.kind is EpisodeKind.CRAMP)
    assert cramp.status == "final"
    assert cramp.offset_index is not None
    raw = {
        one.chunk: one for one in store.raw_emg("CW-0001", since_ns=BEGIN_NS - 10**9, until_ns=BEGIN_NS + 3600 * 10**9)
    }
    for index in (cramp.onset_index - 4999, cramp.onset_index, cramp.offset_index, cramp.offset_index + 9999):
        expected_uv = signal[index] * 2**-22 * 1e6
        np.testing.assert_allclose(raw[index // 1000].values[index % 1000], expected_uv, rtol=1e-4, atol=1e-3)


def test_a_database_that_does_not_answer_or_let_us_in_is_told(
    influx: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = recorded(tmp_path)
    monkeypatch.setenv("CRAMPWATCH_STORE_TOKEN", "wrong")
    assert main(["backfill-store", "--data", str(tmp_path), "--store", influx.url, str(path)]) != 0
    assert "Check the token" in capsys.readouterr().err
    assert main(["backfill-store", "--data", str(tmp_path), "--store", "http://127.0.0.1:9", str(path)]) != 0
    assert "cannot be reached" in capsys.readouterr().err


def test_messages_survive_a_bucket_that_is_missing(influx: InfluxServer) -> None:
    store = open_store(influx.url, token=TOKEN, bucket="absent")
    with pytest.raises(Exception, match=r"Create the bucket"):
        store.write([Battery(sensor="left", t_ns=BEGIN_NS, origin="demo", percent=5)])  # type: ignore[arg-type]  # a word serves
    store.close()
