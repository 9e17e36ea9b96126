"""A data folder that the version before the folders wrote opens unchanged, and gives the same answers.

`tests/data/before_folders` was recorded with that version from a simulated sensor: two sessions (one analysed, one
not), store, detector checkpoint, broker, page settings, a calibration, a settings file and a backup of the
second session.
`expected.json` holds what that version itself read from it.
"""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from crampwatch.decoding.session import decode_session
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.detector.service.checkpoint_file import CheckpointFile
from crampwatch.detector.service.stream_analysis import LiveAnalysis
from crampwatch.detector.service.write_ahead_log import StreamKey
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.store.engines import open_store
from lanes.command_line import command
from nights.night_stage import NightStage

OLD = Path(__file__).resolve().parents[1] / "data" / "before_folders"
EXPECTED: dict[str, Any] = json.loads((OLD / "expected.json").read_text("utf-8"))
ANALYSED, PENDING = sorted(EXPECTED["sessions"])
SENSOR = "CW-OLD1"
CRAMP = "CW-OLD1-385335ef-s1-25840-0"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the old data folder."""
    with tarfile.open(OLD / "data.tar.xz") as archive:
        archive.extractall(tmp_path / "data", filter="data")
    return tmp_path / "data"


@pytest.mark.parametrize("name", [ANALYSED, PENDING])
def test_sessions_decode_to_the_same_samples(data: Path, name: str) -> None:
    samples, digest, first_utc_ns = 0, hashlib.sha256(), None
    with SessionReader(data / "sessions" / name) as reader:
        for _, item in decode_session(reader):
            if isinstance(item, SampleBlock):
                samples += len(item.counts)
                digest.update(item.counts.tobytes())
                first_utc_ns = first_utc_ns or item.first_utc_ns
        found = {
            "samples": samples,
            "sha256": digest.hexdigest(),
            "first_utc_ns": first_utc_ns,
            "ended": reader.has_ended,
            "records": reader.last_seq,
        }
    assert found == EXPECTED["sessions"][name]


def test_the_store_holds_the_same(data: Path) -> None:
    store = open_store(f"sqlite:///{(data / 'store.sqlite').as_posix().lstrip('/')}", read_only=True)
    try:
        episodes = [[one.id, one.kind.value, one.status, one.revision] for one in store.episodes()]
        assert episodes == EXPECTED["episodes"]
        assert [json.loads(messages.encode(entry)) for entry in store.journal()] == EXPECTED["journal"]
        assert (len(store.notices()), len(store.nights())) == (EXPECTED["notices"], EXPECTED["nights"])
        assert [one.sensor for one in store.sensors()] == [SENSOR]
        series = store.series(SENSOR, "features", since_ns=0, until_ns=1 << 62)
        assert len(series.t_ns) == 2000
        assert sorted(series.values) == ["envelope", "floor", "median_hz", "rms", "threshold"]
    finally:
        store.close()


def test_the_detector_goes_on_from_its_checkpoint(data: Path) -> None:
    with SessionReader(data / "sessions" / PENDING) as reader:
        blocks = [item for _, item in decode_session(reader) if isinstance(item, SampleBlock)]
    checkpoints = CheckpointFile(data / "detector")
    try:
        key = StreamKey(SENSOR, blocks[0].boot_id, blocks[0].stream)
        saved = checkpoints.load(key)
        assert saved is not None
        (info,) = (messages.decode(one, messages.SensorInfo) for one in checkpoints.introductions())
        analysis = LiveAnalysis.from_checkpoint(info, blocks[0], saved)
        assert analysis.next_index == blocks[-1].first_index + len(blocks[-1].counts)
    finally:
        checkpoints.close()


def test_the_calibration_is_read(data: Path) -> None:
    (calibration,) = CalibrationFolder(data / "calibrations").for_sensor(SENSOR)
    assert calibration.id == EXPECTED["calibration"]


def test_the_final_analysis_finds_the_same_episodes(data: Path) -> None:
    shutil.rmtree(data / "final")
    shutil.rmtree(data / "calibrations")  # made after the expected episodes
    done = command("finalise", "--data", data)
    assert done.returncode == 0, done.stderr
    for name, expected in EXPECTED["final"].items():
        rows = [json.loads(line) for line in (data / "final" / name).read_text("utf-8").splitlines()]
        found = [{key: row.get(key) for key in expected[0]} for row in rows if "onset_ns" in row]
        assert found == [
            {**one, "confidence": pytest.approx(one["confidence"], abs=1e-3), "peak": pytest.approx(one["peak"])}
            for one in expected
        ]


def test_the_page_shows_nights_notes_and_settings(data: Path) -> None:
    with NightStage(data) as stage:
        (night,) = stage.ask("nights")
        assert (night["origin"], night["kinds"]["cramp"]) == ("demo", 1)
        stage.until_read(night["night"])
        label = stage.ask(f"nights/{night['night']}/episodes/{CRAMP}")["label"]
        assert (label["verdict"], label["pain"], label["woke"], label["helped"]) == ("confirmed", 7, True, ["stretch"])
        assert label["note"] == "Wade, links \u2013 half past one"
        alarms = stage.ask("alarms")
        assert (alarms["calls"], alarms["wake_at"]) == (["cramp", "twitch"], "06:45")
        assert {row["id"] for row in stage.ask("sessions")["sessions"]} == {
            Path(name).stem for name in (ANALYSED, PENDING)
        }


def test_settings_and_backup_are_read(tmp_path: Path) -> None:
    shown = command("config", "--config", OLD / "config.toml", "--data", tmp_path)
    assert "night-lab" in shown.stdout
    assert "18099" in shown.stdout
    done = command("restore", OLD / "backup.tar.gz", "--data", tmp_path / "restored")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "restored" / "sessions").glob("*.cws")] == [PENDING]
    assert (tmp_path / "restored" / "page" / "alarms.json").exists()
