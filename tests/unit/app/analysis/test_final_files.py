"""Which sessions need the final analysis, and the files of its results."""

from pathlib import Path

import pytest
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.final_analysis.files import (
    load_live_episodes,
    save_final_episodes,
    save_live_episodes,
    sessions_to_finalise,
)
from crampwatch.journal import SessionWriter
from crampwatch.protocol import messages
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.records import SessionHead

SESSION = "11111111-2222-3333-4444-555555555555"


def write_session(folder: DataFolder, session: str, *, day: int, ended: bool = True) -> Path:
    started_ns = 1_700_000_000_000_000_000 + day * 86_400_000_000_000
    writer = SessionWriter.create(folder.sessions, SessionHead(session, started_ns, 0, 0, "live", "test"))
    writer.close(started_ns + 1 if ended else None)
    return writer.path


def episode(name: str, status: str = "closed") -> messages.Episode:
    return messages.Episode(
        sensor="CW-1", t_ns=1, origin=Origin.LIVE, id=name, revision=1, status=status,  # type: ignore[arg-type]  # of the literal
        kind=EpisodeKind.CRAMP, session=SESSION, boot_id=1, onset_ns=5, offset_ns=6, onset_index=5, offset_index=6,
        detected_index=6, rate_hz=1000.0, channels=(0,), confidence=0.9, peak=1.0, unit="uV", reasons=(),
    )  # fmt: skip


def test_sessions_are_finalised_once_oldest_first_and_only_when_they_have_ended(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    later = write_session(folder, SESSION.replace("1", "a"), day=2)
    earlier = write_session(folder, SESSION, day=1)
    write_session(folder, SESSION.replace("1", "b"), day=3, ended=False)
    assert sessions_to_finalise(folder) == [earlier, later]
    save_final_episodes(folder, SESSION, [])
    assert sessions_to_finalise(folder) == [later]


def test_demos_and_replays_are_not_finalised_with_real_nights(tmp_path: Path) -> None:
    write_session(DataFolder(tmp_path).part("demo"), SESSION, day=1)
    assert sessions_to_finalise(DataFolder(tmp_path)) == []


def test_live_episodes_are_saved_by_the_first_analysis_only_and_without_final_ones(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert load_live_episodes(folder, SESSION) == []
    save_live_episodes(folder, SESSION, [episode("live"), episode("gone", "retracted"), episode("done", "final")])
    save_live_episodes(folder, SESSION, [episode("later")])
    assert [one.id for one in load_live_episodes(folder, SESSION)] == ["live", "gone"]


def test_a_damaged_file_of_live_episodes_counts_as_unknown(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    save_live_episodes(folder, SESSION, [episode("live")])
    (folder.finals / f"{SESSION}.live.jsonl").write_text("{")
    assert load_live_episodes(folder, SESSION) == []


@pytest.mark.parametrize("session", ["", "../../etc/passwd", "a b", "a/b", "x" * 70 + "/"])
def test_a_session_id_cannot_lead_out_of_the_folder(tmp_path: Path, session: str) -> None:
    with pytest.raises(RecordingError, match="expected a UUID"):
        save_final_episodes(DataFolder(tmp_path), session, [])
