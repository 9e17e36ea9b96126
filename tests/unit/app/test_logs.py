"""Log files: their size, rotation and level."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from crampwatch.app.config.settings import LogSettings
from crampwatch.app.runtime.logs import log_to_file
from crampwatch.protocol.errors import UnavailableError


@pytest.fixture(autouse=True)
def _same_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_is_rotated_at_its_size_and_three_old_files_are_kept(tmp_path: Path) -> None:
    log_to_file(LogSettings(max_mb=1), tmp_path / "stage.log")
    for _ in range(6):
        logging.getLogger("x").warning("y" * (1 << 20))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "stage.log", "stage.log.1", "stage.log.2", "stage.log.3",
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "files"), [((1 << 20) - 2_000, 1), ((1 << 20) + 2_000, 2)])
def test_the_size_is_in_megabytes(tmp_path: Path, size: int, files: int) -> None:
    log_to_file(LogSettings(max_mb=1), tmp_path / "stage.log")
    logging.getLogger("x").warning("y" * 500_000)
    logging.getLogger("x").warning("z" * (size - 500_000))
    assert len(list(tmp_path.iterdir())) == files


def test_lines_below_the_level_are_not_logged_and_other_libraries_only_warn(tmp_path: Path) -> None:
    log_to_file(LogSettings(level="info"), tmp_path / "stage.log")
    logging.getLogger("crampwatch.x").debug("quiet")
    logging.getLogger("crampwatch.x").info("told")
    logging.getLogger("bleak").info("chatter")
    text = (tmp_path / "stage.log").read_text()
    assert "told" in text
    assert "quiet" not in text
    assert "chatter" not in text


def test_a_log_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"stage\.log cannot be written"):
        log_to_file(LogSettings(), tmp_path / "file" / "stage.log")
