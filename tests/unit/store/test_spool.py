from pathlib import Path

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.store.ingest.spool import Spool
from nights.stored_messages import episode, features, info, temperature


def test_messages_wait_in_order_and_outlive_the_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new" / "spool.sqlite")
    batch = [episode(1), features(2), info(), temperature(3, None)]
    spool.append(batch[:2])
    spool.append(batch[2:])
    spool.close()
    spool = Spool(tmp_path / "new" / "spool.sqlite")
    assert len(spool) == 4
    assert [message for _, message in spool.oldest(10)] == batch
    spool.remove([number for number, _ in spool.oldest(2)])
    assert [message for _, message in spool.oldest(1)] == batch[2:3]
    assert len(spool) == 2
    spool.close()


def test_what_will_never_be_taken_makes_way_but_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([episode(1), episode(2)])
    spool.set_aside(spool.oldest(1)[0][0], "bad field")
    assert [message for _, message in spool.oldest(5)] == [episode(2)]
    assert spool._database.execute("SELECT leaf, why FROM refused").fetchall() == [("episode", "bad field")]
    spool.close()


def test_a_file_that_is_no_spool_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(UnavailableError, match="cannot be stored in"):
        Spool(tmp_path / "spool.sqlite")


def test_no_more_are_returned_than_asked_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([episode(n) for n in range(3)])
    assert [len(spool.oldest(count)) for count in (0, 2, 3, 4)] == [0, 2, 3, 3]
    spool.set_aside(spool.oldest(1)[0][0], "bad field")
    spool.remove([])
    assert len(spool) == 2
    spool.close()
