"""The file the live detector keeps its place in."""

import random
from contextlib import closing
from pathlib import Path

import pytest
from crampwatch.detector.service.checkpoint_file import CheckpointFile
from crampwatch.detector.service.write_ahead_log import LoggedStep, StepLog, StreamKey
from crampwatch.protocol.errors import UnavailableError

LEFT = StreamKey("CW-0001", 7, 0)
RIGHT = StreamKey("CW-0002", 8, 0)


def step(n: int, key: StreamKey = LEFT) -> LoggedStep:
    return LoggedStep(key, "block", bytes([n]) * 100)


def since(folder: Path) -> dict[StreamKey, list[LoggedStep]]:
    """Return what is found after a kill."""
    with closing(CheckpointFile(folder)) as kept:
        return kept.steps_since_checkpoint()


def test_states_and_introductions_survive_reopening(tmp_path: Path) -> None:
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"first"})
        kept.save({LEFT: b"second", StreamKey("CW-0002", 8, 0): b"other"})
        kept.save_introduction("CW-0001", b"hello")
    with closing(CheckpointFile(tmp_path)) as kept:
        assert kept.load(LEFT) == b"second"
        assert kept.introductions() == [b"hello"]


def test_a_newer_boot_replaces_the_older_one(tmp_path: Path) -> None:
    newer = LEFT._replace(boot_id=9)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"old"})
        kept.save({newer: b"new"})
        assert (kept.load(LEFT), kept.load(newer)) == (None, b"new")


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "detector.sqlite").write_bytes(b"no database at all" * 100)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"state"})
        assert kept.load(LEFT) == b"state"
    assert (tmp_path / "detector.damaged").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be saved in"):
        CheckpointFile(tmp_path / "file" / "detector")


def test_what_was_taken_after_a_checkpoint_is_found_and_what_was_before_is_not(tmp_path: Path) -> None:
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.append([step(1), step(2, RIGHT)])
        kept.save({LEFT: b"left", RIGHT: b"right"})
        kept.append([step(3)])
        kept.append([step(4), LoggedStep(LEFT, "end")])
    assert since(tmp_path) == {LEFT: [step(3), step(4), LoggedStep(LEFT, "end")]}


def test_a_kill_between_a_checkpoint_and_the_log_takes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StepLog, "rewind", lambda _: None)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.append([step(1)])
        kept.save({LEFT: b"left"})
    assert since(tmp_path) == {}


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for n in range(4):
        with closing(CheckpointFile(tmp_path)) as kept:
            kept.append([step(n)])
            if n == 1:
                kept.save({LEFT: b"left"})
    assert since(tmp_path) == {LEFT: [step(2), step(3)]}


def test_of_two_boots_of_a_sensor_the_newer_counts(tmp_path: Path) -> None:
    newer = LEFT._replace(boot_id=9)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.append([step(1)])
        kept.append([step(2, newer)])
    assert since(tmp_path) == {newer: [step(2, newer)]}


@pytest.mark.parametrize("cut", [1, 50, 120])
def test_an_entry_that_was_not_written_whole_is_none(tmp_path: Path, cut: int) -> None:
    noise = [LoggedStep(LEFT, "block", random.Random(n).randbytes(100)) for n in range(2)]
    log = StepLog(tmp_path / "log", size_bytes=4096)
    log.append(noise[:1])
    end = log._offset
    log.append(noise[1:])
    with (tmp_path / "log").open("r+b") as file:
        file.seek(end + cut)
        file.write(bytes(200))
    log.close()
    again = StepLog(tmp_path / "log", size_bytes=4096)
    assert again.read() == [(1, noise[0])]
    again.append(noise[1:])
    assert again.read() == [(1, noise[0]), (2, noise[1])]
    again.close()


def test_the_log_keeps_its_size_and_says_when_it_is_full(tmp_path: Path) -> None:
    log, appended = StepLog(tmp_path / "log", size_bytes=4096), 0
    while log.has_room([step(appended)]):
        log.append([step(appended)])
        appended += 1
    assert appended > 10
    assert (tmp_path / "log").stat().st_size == 4096
    log.rewind()
    log.append([step(200)])
    assert log.read() == [(appended + 1, step(200))], "what is left of the first round is older"
    log.close()
