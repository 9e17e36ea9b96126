"""A session taken over from another store: exactly what was there, and nothing that is here is changed."""

from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.messages import JournalEntry, Message
from crampwatch.store.sqlite.store import SqliteStore
from nights.synthetic_night import Contraction, SyntheticNight

S_NS = 1_000_000_000
BEGIN_NS = 1_790_000_000 * S_NS
NIGHTS = [SyntheticNight(BEGIN_NS + night * 86_400 * S_NS, 600, [Contraction(100, 20)]) for night in range(2)]


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.sqlite"
    for night in NIGHTS:
        night.write_store(path)
    return path


def found(store: SqliteStore, night: SyntheticNight) -> tuple[list[Message], bytes, int]:
    span = {"since_ns": night.begin_ns, "until_ns": night.begin_ns + 700 * S_NS}
    fine = store.series("CW-LEFT", "features", max_points=100_000, **span)
    coarse = store.series("CW-LEFT", "features", max_points=100, **span)
    return [*store.episodes(session=night.session)], np.nan_to_num(fine.values["rms"]).tobytes(), len(coarse)


def test_one_session_comes_over_whole_and_the_other_does_not(tmp_path: Path, theirs: Path) -> None:
    ours, old = SqliteStore(tmp_path / "ours.sqlite"), SqliteStore(theirs)
    wanted, other = NIGHTS
    for _ in range(2):  # again changes nothing
        ours.merge_session(theirs, wanted.session)
        assert found(ours, wanted) == found(old, wanted)
    assert found(ours, wanted)[2] > 0
    assert [info.session for info in ours.sessions()] == [wanted.session]
    assert ours.episodes(session=other.session) == []
    ours.close()
    old.close()


def test_what_is_here_already_stays(tmp_path: Path, theirs: Path) -> None:
    def note(t_ns: int, text: str) -> JournalEntry:
        return JournalEntry(sensor="CW-LEFT", t_ns=t_ns, origin=NIGHTS[0].origin, id="a", entry="note", text=text)

    ours, old = SqliteStore(tmp_path / "ours.sqlite"), SqliteStore(theirs)
    NIGHTS[1].write_store(tmp_path / "ours.sqlite")
    ours.write([note(BEGIN_NS + 2, "later")])
    old.write([note(BEGIN_NS + 1, "earlier")])
    old.close()
    before = found(ours, NIGHTS[1])
    ours.merge_session(theirs, NIGHTS[0].session)
    assert found(ours, NIGHTS[1]) == before
    assert [entry.text for entry in ours.journal()] == ["later"]
    ours.close()
