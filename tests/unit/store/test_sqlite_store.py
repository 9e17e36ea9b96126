import sqlite3
from pathlib import Path

import pytest
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.store.engines import open_store
from crampwatch.store.sqlite.store import SqliteStore
from nights.stored_messages import S_NS, T0_NS, episode, features, info, raw


def test_a_reader_beside_the_writer_sees_what_was_written(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/store.sqlite"
    reader = open_store(url, read_only=True)
    with pytest.raises(UnavailableError):
        reader.episodes()
    writer = open_store(url)
    writer.write([])
    assert reader.episodes() == []
    writer.write([episode(1)])
    assert reader.episodes() == [episode(1)]
    with pytest.raises(UnavailableError, match="readonly"):
        reader.write([episode(2)])
    reader.close()
    writer.close()


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(RecordingError, match="Restore it"):
        open_store(f"sqlite://{path}").episodes()


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(RecordingError, match="version 99"):
        open_store(f"sqlite://{path}").write([episode()])


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="folder"):
        open_store(f"sqlite://{tmp_path}/file/store.sqlite").write([episode()])


def test_a_night_of_features_is_small(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(f"sqlite://{path}")
    store.write([features(n, 4) for n in range(0, 36_000, 4)])
    series = store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + 3600 * S_NS)
    store.close()
    assert len(series) == 2000
    assert path.stat().st_size < 2_500_000


def test_of_two_revisions_of_one_rank_the_first_stays(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([episode(1, confidence=0.5)])
    store.write([episode(1, confidence=0.6)])
    assert [one.confidence for one in store.episodes()] == [0.5]
    store.close()


def test_an_episode_belongs_to_a_span_from_its_onset_up_to_its_end(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    one = episode(0, offset_ns=T0_NS + S_NS)
    store.write([one])
    assert store.episodes(until_ns=T0_NS) == []
    assert store.episodes(until_ns=T0_NS + 1) == [one]
    assert store.episodes(since_ns=T0_NS + S_NS) == [one]
    assert store.episodes(since_ns=T0_NS + S_NS + 1) == []
    store.close()


def test_a_second_of_raw_emg_belongs_to_every_span_that_it_overlaps(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([raw(7)])
    start_ns = T0_NS + 7 * S_NS

    def count(since_ns: int, until_ns: int) -> int:
        return len(store.raw_emg("left", since_ns=since_ns, until_ns=until_ns))

    assert [count(start_ns - S_NS, start_ns), count(start_ns - S_NS, start_ns + 1)] == [0, 1]
    assert [count(start_ns + S_NS - 1, start_ns + 9 * S_NS), count(start_ns + S_NS, start_ns + 9 * S_NS)] == [1, 0]
    store.close()


def test_a_night_is_found_by_the_start_of_its_recording(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([info()])
    assert [len(store.nights(since_ns=T0_NS)), len(store.nights(since_ns=T0_NS + 1))] == [1, 0]
    assert [len(store.nights(until_ns=T0_NS)), len(store.nights(until_ns=T0_NS + 1))] == [0, 1]
    store.close()
