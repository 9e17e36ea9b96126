import sqlite3
from pathlib import Path

import pytest
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.store.engines import open_store
from nights.stored_messages import S_NS, T0_NS, episode, features


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
