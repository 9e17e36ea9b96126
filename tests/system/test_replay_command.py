"""`crampwatch replay` on real recordings: simulator, radio, collector, MQTT, detector, store."""

from pathlib import Path

from crampwatch.protocol import messages
from crampwatch.store.engines import open_store
from lanes.broker_listener import Listener
from lanes.command_line import running
from lanes.lanes import shared_data

STRONG_BURSTS_S = ((1.47, 1.83), (15.45, 16.90), (25.62, 25.84), (26.42, 26.68))
"""Of biosppy/emg_1.txt, by eye (its annotations, confidence high)."""
Judgement = tuple[str, str, int, int | None]


def stored(folder: Path) -> tuple[list[messages.Episode], list[messages.Notice]]:
    store = open_store(f"sqlite:///{(folder / 'replay' / 'store.sqlite').as_posix().lstrip('/')}", read_only=True)
    try:
        return store.episodes(), store.notices()
    finally:
        store.close()


def judgements(episodes: list[messages.Episode]) -> list[Judgement]:
    return sorted((one.id, str(one.kind), one.onset_index, one.offset_index) for one in episodes)


def test_strong_bursts_of_a_text_recording_appear_as_they_did_live(tmp_path: Path) -> None:
    file = shared_data("biosppy", "emg_1.txt")
    arguments = ("--rate-hz", 1000, "--column", 1, "--speed", 4, "--no-browser", "--data", tmp_path)
    listener = Listener(tmp_path / "replay")
    with listener.listening(), running("replay", file, *arguments) as replay:
        summary = replay.until("summary")
        assert replay.end() == 0
    assert (summary["origin"], summary["lost"], summary["final"]) == ("replay", 0, True)
    episodes, _ = stored(tmp_path)
    spans_s = [(one.onset_index / 1000, (one.offset_index or 0) / 1000) for one in episodes]
    for onset_s, offset_s in STRONG_BURSTS_S:
        assert any(begin < offset_s and end > onset_s for begin, end in spans_s), (onset_s, spans_s)
    live = {one.id: one for one in listener.episodes if one.status not in ("final", "retracted")}
    for one in listener.episodes:
        if one.status == "retracted":
            live.pop(one.id, None)
    assert judgements(list(live.values())) == judgements(episodes), "to the sample"
    assert {one.unit for one in episodes} == {"relative"}


def test_a_night_without_leg_bursts_raises_no_notice(tmp_path: Path) -> None:
    file = shared_data("rsleep", "subject1.edf")
    with running("replay", file, "--speed", 8, "--no-browser", "--data", tmp_path) as replay:
        summary = replay.until("summary")
        assert replay.end() == 0
    assert [event for event in replay.events if event["event"] == "notice"] == []
    assert (summary["received"], summary["lost"]) == (24_000, 0)
    _, notices = stored(tmp_path)
    assert notices == []


def test_a_replay_can_be_cut_short(tmp_path: Path) -> None:
    file = shared_data("biosppy", "emg_1.txt")
    with running("replay", file, "--rate-hz", 1000, "--for", 6, "--no-browser", "--data", tmp_path) as replay:
        summary = replay.until("summary")
        assert replay.end() == 0
    assert 5 < summary["monitored_s"] < 30, "of 64"
