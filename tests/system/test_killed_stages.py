"""A stage killed in the middle of a session and started again by the supervisor: nothing lost, nothing twice."""

import os
import signal
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from crampwatch.app.analysis.session_analysis import analyse_session
from crampwatch.decoding.session import decode_session
from crampwatch.journal import SessionReader, list_sessions
from crampwatch.protocol.block import SampleBlock
from crampwatch.store.engines import open_store
from lanes.broker_listener import Indices, Listener
from lanes.command_line import Running, alive, command, running

SPEED = 3.0
LENGTH_S = 60.0
KILLED_AT_S = 20.0


def recording(folder: Path) -> Path:
    path = folder / "minute.edf"
    written = command("simulate", "--scenario", "cramp", "--seed", "5", "--hours", LENGTH_S / 3600, "--out", path)
    assert written.returncode == 0, written.stderr
    return path


def journaled(session: Path) -> Indices:
    found: Indices = defaultdict(set)
    with SessionReader(session) as reader:
        for sensor, item in decode_session(reader):
            if isinstance(item, SampleBlock):
                found[sensor.sensor, item.boot_id, item.stream].update(range(item.first_index, item.next_index))
    return found


def kill(stage: str, replay: Running, folder: Path) -> None:
    pid = int((folder / "broker" / "nats.pid").read_text()) if stage == "nats-server" else replay.children()[stage]
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("stage", ["collector", "detector", "store", "broker", "nats-server"])
def test_nothing_is_lost_or_stored_twice_when_a_stage_is_killed(stage: str, tmp_path: Path) -> None:
    file, folder = recording(tmp_path), tmp_path / "data" / "replay"
    listener = Listener(folder, mark_s=KILLED_AT_S)
    arguments = ("--speed", SPEED, "--no-browser", "--data", tmp_path / "data")
    with listener.listening(), running("replay", file, *arguments) as replay:
        replay.until("ready")
        assert listener.reached.wait(90)
        kill(stage, replay, folder)
        summary = replay.until("summary", timeout_s=180)
        assert replay.end() == 0
    check_summary(summary, stage)
    entries = list_sessions(folder / "sessions")
    assert len(entries) == 1, "the session went on after the kill"
    samples = journaled(entries[0].path)
    assert {key: sorted(found) for key, found in samples.items()} == {
        key: list(range(round(LENGTH_S * 1000))) for key in samples
    }
    assert len(samples) == 1
    assert listener.samples == samples, "everything journaled was published"
    check_store(folder, entries[0].path)


def check_summary(summary: dict[str, object], stage: str) -> None:
    killed = "broker" if stage == "nats-server" else stage
    assert summary["restarts"] == {killed: 1}
    assert summary["final"]
    assert summary["lost"] == 0
    assert summary["received"] == LENGTH_S * 1000


def check_store(folder: Path, session: Path) -> None:
    store = open_store(f"sqlite:///{(folder / 'store.sqlite').as_posix().lstrip('/')}", read_only=True)
    try:
        episodes = store.episodes()
        sensor = store.sensors()[0].sensor
        series = store.series(sensor, "features", since_ns=0, until_ns=1 << 62, max_points=1 << 30)
        notices = store.notices()
    finally:
        store.close()
    assert len({episode.id for episode in episodes}) == len(episodes)
    assert {episode.status for episode in episodes} == {"final"}
    assert len({notice.id for notice in notices}) == len(notices)
    assert (np.diff(series.t_ns) > 50_000_000).all(), "a step of features twice"
    stored = [(one.kind, one.onset_index, one.offset_index) for one in episodes]
    assert stored == whole_session_verdict(session)


def whole_session_verdict(session: Path) -> list[tuple[str, int, int]]:
    with SessionReader(session) as reader:
        verdicts = list(analyse_session(reader))
    return [(one.kind, one.onset_index, one.offset_index or 0) for verdict in verdicts for one in verdict.episodes]
