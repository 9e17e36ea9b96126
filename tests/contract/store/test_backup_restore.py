"""Backup and restore, for real: a folder that is worked in and an InfluxDB; nothing lost, nothing written over."""

import json
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from crampwatch.app.backup.create import create_backup
from crampwatch.app.backup.influx_copy import InfluxCopy
from crampwatch.app.backup.restore import restore_backup
from crampwatch.app.cli.main import main
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.protocol.errors import ConfigurationError, RecordingError, UnavailableError
from crampwatch.store.influx.store import InfluxStore
from crampwatch.store.sqlite.store import SqliteStore
from lanes.influx_server import TOKEN, InfluxServer, influx_server
from nights.stored_messages import T0_NS, episode, features

LATER_NS = T0_NS + 10**15


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server


def worked_in(root: Path) -> DataFolder:
    """Return a folder with something of everything, and a session that is still being written."""
    folder = DataFolder(root)
    folder.create()
    store = SqliteStore(folder.store)
    store.write([episode(1), episode(2), features(0)])
    store.close()
    for path, text in (
        ("final/a.jsonl", "{}\n"),
        ("broker/secrets.toml", "password"),
        ("broker/jetstream/x", "passing"),
        ("page/settings.json", "{}"),
        ("logs/store.log", "passing"),
        ("bonds.json", "{}"),
        ("installation", "0123abcd"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    folder.sessions.mkdir()
    return folder


def session_being_written(folder: DataFolder) -> sqlite3.Connection:
    database = sqlite3.connect(folder.sessions / "20231114T221320Z-5a1c0e00.cws", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, body BLOB)")
    database.executemany("INSERT INTO record (body) VALUES (?)", [(bytes([n]) * 200,) for n in range(100)])
    database.execute("BEGIN")
    database.execute("INSERT INTO record (body) VALUES (x'00')")  # not committed: not yet received, as far as we know
    return database


def test_what_is_restored_is_what_was_kept_while_a_night_was_recorded(tmp_path: Path) -> None:
    folder, back = worked_in(tmp_path / "old"), DataFolder(tmp_path / "new")
    with closing(session_being_written(folder)):
        made = create_backup(folder, tmp_path / "b.tar.gz")
    assert restore_backup(tmp_path / "b.tar.gz", back) == made
    assert made.sessions == 1
    with closing(sqlite3.connect(next(back.sessions.glob("*.cws")))) as database:
        assert database.execute("SELECT count(*), sum(length(body)) FROM record").fetchone() == (100, 20_000)
    store = SqliteStore(back.store)
    assert store.episodes(since_ns=0, until_ns=LATER_NS) == [episode(1), episode(2)]
    store.close()
    assert (back.root / "broker" / "secrets.toml").read_text() == "password"
    assert not (back.root / "broker" / "jetstream").exists()
    assert not (back.root / "logs" / "store.log").exists()
    assert not (back.root / "installation").exists(), "two would have one name at a broker"


def test_the_archive_is_readable_by_its_owner_only_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    create_backup(worked_in(tmp_path / "old"), tmp_path / "to" / "b.tar.gz")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["b.tar.gz"]
    assert stat.S_IMODE((tmp_path / "to" / "b.tar.gz").stat().st_mode) == 0o600


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = worked_in(tmp_path / "old")
    create_backup(folder, tmp_path / "b.tar.gz")
    with pytest.raises(ConfigurationError, match="exists"):
        create_backup(folder, tmp_path / "b.tar.gz")
    with pytest.raises(ConfigurationError, match="already holds recordings"):
        restore_backup(tmp_path / "b.tar.gz", folder)


def test_a_damaged_archive_is_refused_whole(tmp_path: Path) -> None:
    create_backup(worked_in(tmp_path / "old"), tmp_path / "b.tar.gz")
    content = bytearray((tmp_path / "b.tar.gz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "b.tar.gz").write_bytes(content)
    with pytest.raises(RecordingError):
        restore_backup(tmp_path / "b.tar.gz", DataFolder(tmp_path / "new"))
    assert not list((tmp_path / "new").rglob("*.sqlite"))


@pytest.mark.parametrize("case", ["no archive", "another archive", "a path that leads out"])
def test_what_is_no_backup_is_refused(tmp_path: Path, case: str) -> None:
    (tmp_path / "f").write_text("x")
    source = tmp_path / "b.tar.gz"
    if case == "no archive":
        source.write_text("not at all")
    else:
        names = {"another archive": "f", "a path that leads out": "../../f"}
        with tarfile.open(source, "w:gz") as archive:
            archive.add(tmp_path / "f", names[case])
    with pytest.raises(RecordingError):
        restore_backup(source, DataFolder(tmp_path / "new"))


def test_a_manifest_cannot_name_a_file_outside(tmp_path: Path) -> None:
    manifest = {"made_utc": "", "version": "", "files": {"../outside": ""}, "points": 0}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "manifest.json", "manifest.json")
    with pytest.raises(RecordingError, match="not a path within"):
        restore_backup(tmp_path / "b.tar.gz", DataFolder(tmp_path / "new"))


def influx_copy_of(influx: InfluxServer, token: str = TOKEN) -> InfluxCopy:
    return InfluxCopy(influx.url, token=token, org="crampwatch", bucket="crampwatch")


def everything(influx: InfluxServer) -> list[dict[str, object]]:
    answer = json.loads(influx.query("SELECT * FROM /.*/ GROUP BY *"))
    series: list[dict[str, object]] = answer["results"][0].get("series", [])
    return series


def test_every_point_of_an_influxdb_comes_back_in_its_own_type(influx: InfluxServer, tmp_path: Path) -> None:
    influx.empty()
    store = InfluxStore(influx.url, token=TOKEN)
    store.write([episode(n) for n in range(20)])
    store.write([features(5 * n) for n in range(1500)])  # more than a chunk
    before = everything(influx)
    fields = influx.query("SHOW FIELD KEYS")
    folder = worked_in(tmp_path / "old")
    made = create_backup(folder, tmp_path / "b.tar.gz", database=influx_copy_of(influx))
    assert made.points > 15_000
    influx.empty()
    restore_backup(tmp_path / "b.tar.gz", DataFolder(tmp_path / "new"), database=influx_copy_of(influx))
    assert everything(influx) == before
    assert influx.query("SHOW FIELD KEYS") == fields
    assert [one.id for one in store.episodes(since_ns=0, until_ns=LATER_NS)] == [episode(n).id for n in range(20)]
    store.close()


def test_a_database_that_refuses_leaves_no_archive(influx: InfluxServer, tmp_path: Path) -> None:
    folder = worked_in(tmp_path / "old")
    with pytest.raises(UnavailableError, match="401"):
        create_backup(folder, tmp_path / "b.tar.gz", database=influx_copy_of(influx, "wrong"))
    assert not (tmp_path / "b.tar.gz").exists()


def test_points_need_a_database_to_go_to(influx: InfluxServer, tmp_path: Path) -> None:
    influx.empty()
    store = InfluxStore(influx.url, token=TOKEN)
    store.write([episode(1)])
    store.close()
    create_backup(worked_in(tmp_path / "old"), tmp_path / "b.tar.gz", database=influx_copy_of(influx))
    with pytest.raises(ConfigurationError, match="--store"):
        restore_backup(tmp_path / "b.tar.gz", DataFolder(tmp_path / "new"))


def test_it_is_one_command_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    worked_in(tmp_path / "old")
    assert main(["backup", str(tmp_path), "--data", str(tmp_path / "old")]) == 0
    (archive,) = tmp_path.glob("crampwatch-*.tar.gz")
    assert main(["restore", str(archive), "--data", str(tmp_path / "new")]) == 0
    assert str(tmp_path / "new") in capsys.readouterr().out
