import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from crampwatch.journal import Anchor, SessionReader, SessionWriter, list_sessions, unfinished_sessions
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.protocol.records import Record, RecordKind, SessionHead

BEGIN_NS = 1_790_000_000_000_000_000


def head() -> SessionHead:
    return SessionHead(str(uuid4()), BEGIN_NS, 5_000, 3600, "demo", "crampwatch 0.1")


def record(n: int, *, sensor_key: int = 1, kind: RecordKind = RecordKind.DATA) -> Record:
    return Record(0, sensor_key, kind, 5_000 + n, BEGIN_NS + n * 1_000_000_000, bytes([n % 256, 7]))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SessionWriter]:
    one = SessionWriter.create(tmp_path, head())
    yield one
    one.close()


def test_a_session_reads_back_as_it_was_written(tmp_path: Path) -> None:
    expected = head()
    writer = SessionWriter.create(tmp_path, expected)
    left = writer.add_sensor("CW-1", name="CW 1", address="C0:00", profile="cws", side="left", muscle="FHB")
    right = writer.add_sensor("CW-2", name="CW 2", address="C0:01", profile="cws")
    assert writer.append([record(1), record(2, sensor_key=2)]) == 2
    assert writer.append([record(3, kind=RecordKind.EVENT)]) == 3
    writer.close(BEGIN_NS + 9_000_000_000)

    assert writer.path.name == f"20260921T141320Z-{expected.session[:8]}.cws"
    with SessionReader(writer.path) as reader:
        assert reader.head == expected
        assert reader.sensors() == (left, right)
        assert reader.ended_utc_ns == BEGIN_NS + 9_000_000_000
        assert [(r.seq, r.sensor_key, r.payload) for r in reader.records()] == [
            (1, 1, b"\x01\x07"),
            (2, 2, b"\x02\x07"),
            (3, 1, b"\x03\x07"),
        ]
        assert [r.seq for r in reader.records(1, after_seq=1)] == [3]
        assert [r.seq for r in reader.records(kinds=[RecordKind.EVENT])] == [3]
        assert reader.payloads([3, 2]) == [b"\x03\x07", b"\x02\x07"]
        with pytest.raises(RecordingError, match="lacks records"):
            reader.payloads([1, 4])
        summary = reader.summary()
    assert (summary.duration_s, summary.record_count) == (9.0, 3)
    assert [(t.sensor_key, t.kind, t.records, t.payload_bytes) for t in summary.tallies] == [
        (1, RecordKind.DATA, 1, 2),
        (1, RecordKind.EVENT, 1, 2),
        (2, RecordKind.DATA, 1, 2),
    ]


def test_an_ended_session_is_one_file(tmp_path: Path) -> None:
    writer = SessionWriter.create(tmp_path, head())
    writer.append([record(1)])
    writer.close(BEGIN_NS + 1)
    assert list(tmp_path.iterdir()) == [writer.path]


def test_a_session_being_written_can_be_read(writer: SessionWriter) -> None:
    writer.append([record(n) for n in range(3000)])
    with SessionReader(writer.path) as reader:
        records = reader.records()
        assert next(records).seq == 1
        writer.append([record(9)])
        assert [r.seq for r in records][-1] == 3001
        assert not reader.has_ended


def test_a_sensor_entered_twice_keeps_its_key_and_takes_the_newer_facts(writer: SessionWriter) -> None:
    first = writer.add_sensor("CW-1", name="CW 1", address="C0:00", profile="cws")
    again = writer.add_sensor("CW-1", name="CW 1", address="C0:77", profile="cws", side="right")
    assert (again.key, again.address, again.side) == (first.key, "C0:77", "right")


def test_the_published_position_is_written_with_the_next_batch_and_never_goes_back(writer: SessionWriter) -> None:
    with SessionReader(writer.path) as reader:
        assert reader.published_seq(1) == 0
        writer.mark_published(1, 40)
        writer.append([])
        assert reader.published_seq(1) == 40
        writer.mark_published(1, 30)
        writer.append([record(1)])
        assert reader.published_seq(1) == 40


def test_a_resumed_session_goes_on_in_a_new_epoch(tmp_path: Path) -> None:
    writer = SessionWriter.create(tmp_path, head())
    writer.append([record(1)])
    writer.close()
    for anchor in (None, Anchor(utc_ns=77, mono_ns=7)):
        again = SessionWriter.resume(writer.path, anchor=anchor)
        again.append([record(2)])
        again.close()
    with SessionReader(writer.path) as reader:
        assert [(r.seq, r.epoch) for r in reader.records()] == [(1, 0), (2, 1), (3, 2)]
        assert reader.anchors() == {0: Anchor(BEGIN_NS, 5_000), 1: Anchor(BEGIN_NS, 5_000), 2: Anchor(77, 7)}
    assert [summary.path for summary in unfinished_sessions(tmp_path)] == [writer.path]


def test_an_ended_session_is_not_resumed(tmp_path: Path) -> None:
    writer = SessionWriter.create(tmp_path, head())
    writer.close(BEGIN_NS)
    with pytest.raises(RecordingError, match="has ended"):
        SessionWriter.resume(writer.path)
    assert list(unfinished_sessions(tmp_path)) == []


def test_a_session_has_one_writer(writer: SessionWriter) -> None:
    with pytest.raises(UnavailableError, match="being written by another process"):
        SessionWriter.resume(writer.path)


def test_a_file_that_exists_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.cws"
    path.write_text("dear diary")
    with pytest.raises(UnavailableError, match="already exists"):
        SessionWriter.create_file(path, head())
    assert path.read_text() == "dear diary"


def test_a_full_disk_loses_nothing_and_recording_goes_on_when_there_is_room(writer: SessionWriter) -> None:
    writer.append([record(1)])
    connection = writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    batch = [Record(0, 1, RecordKind.DATA, 1, 1, bytes(500)) for _ in range(100)]
    writer.mark_published(1, 1)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="is full"):
            writer.append(batch)
    connection.execute("PRAGMA max_page_count = 100000")
    assert writer.append(batch) == 101
    with SessionReader(writer.path) as reader:
        assert [r.seq for r in reader.records()] == list(range(1, 102))
        assert reader.published_seq(1) == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be used"):
        SessionWriter.create(tmp_path / "file" / "sessions", head())


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("no session at all, but long enough to be looked at" * 50)


def _other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE head (session)")
    connection.commit()
    connection.close()


def _newer(path: Path) -> None:
    _other_database(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA application_id = {0x43575331}")
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("make", [_empty, _text, _other_database, _newer])
def test_what_is_no_session_is_refused_and_listed_with_its_problem(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "odd.cws"
    make(path)
    with pytest.raises(RecordingError, match=r"odd\.cws"):
        SessionReader(path)
    (entry,) = list_sessions(tmp_path)
    assert entry.summary is None
    assert "odd.cws" in entry.problem


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no file"):
        SessionReader(tmp_path / "none.cws")


def test_a_folder_that_is_not_there_holds_no_sessions(tmp_path: Path) -> None:
    assert list_sessions(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_session_is_an_error_and_not_a_short_night(share: float, tmp_path: Path) -> None:
    writer = SessionWriter.create(tmp_path, head())
    for _ in range(20):
        writer.append([Record(0, 1, RecordKind.DATA, 1, 1, bytes(200)) for _ in range(100)])
    writer.close(BEGIN_NS + 1)
    content = writer.path.read_bytes()
    writer.path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RecordingError), SessionReader(writer.path) as reader:
        list(reader.records())


_ENDLESS_WRITER = """
import sys
from pathlib import Path
from crampwatch.journal import SessionWriter
from crampwatch.protocol.records import Record, RecordKind, SessionHead

writer = SessionWriter.create(Path(sys.argv[1]), SessionHead("a" * 32, 1, 1, 0, "demo", "test"))
while True:
    last = writer.append([Record(0, 1, RecordKind.DATA, 1, 1, bytes(300)) for _ in range(40)])
    print(last, flush=True)
"""


def test_what_was_written_survives_sigkill_in_the_middle_of_a_batch(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS_WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert child.stdout is not None
    written = [int(child.stdout.readline()) for _ in range(15)]
    child.kill()
    written += [int(line) for line in child.stdout.read().splitlines() if line.strip()]
    child.wait()
    child.stdout.close()
    (summary,) = unfinished_sessions(tmp_path)
    with SessionReader(summary.path) as reader:
        found = [r.seq for r in reader.records()]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= written[-1]
    assert len(found) % 40 == 0, "a batch is written whole or not at all"
    again = SessionWriter.resume(summary.path)
    assert again.append([record(1)]) == len(found) + 1
    again.close(BEGIN_NS)
