"""The thresholds of `crampwatch doctor`, each at its bound and just beside it."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from crampwatch.app.config.settings import Settings
from crampwatch.app.doctor import checks
from crampwatch.app.doctor.pipeline_state import PipelineState
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import Origin

NIGHT = 150_000_000


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data=tmp_path)


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (2 * NIGHT - 1, "fault"),
        (2 * NIGHT, "note"),
        (14 * NIGHT - 1, "note"),
        (14 * NIGHT, "ok"),
    ],
)
async def test_room_for_two_nights_is_needed_and_for_two_weeks_is_good(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(1 << 40, 0, free))
    result = await checks._check_disk(settings)
    assert result.level == level
    assert f"about {free // NIGHT} night" in result.text


async def test_the_disk_is_that_of_a_data_folder_which_does_not_exist_yet(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Path] = []

    def disk_usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(1, 1, 1)

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    await checks._check_disk(replace(settings, data=tmp_path / "not" / "there"))
    assert asked == [tmp_path]


@pytest.mark.parametrize(
    ("now", "level"),
    [(datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC), "fault"), (datetime(2025, 1, 1, tzinfo=UTC), "ok")],
)
async def test_a_clock_before_the_first_version_is_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, now: datetime, level: str
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now.timestamp(), tz)

    monkeypatch.setattr(checks, "datetime", Clock)
    assert (await checks._check_clock(settings)).level == level


@pytest.mark.parametrize(("mode", "level"), [(0o600, "ok"), (0o640, "fault"), (0o604, "fault")])
async def test_a_secret_that_others_can_read_is_a_fault(settings: Settings, mode: int, level: str) -> None:
    path = settings.data / "secrets.toml"
    path.touch()
    path.chmod(mode)
    result = await checks._check_secrets(settings)
    assert result.level == level
    assert (str(path) in result.text) == (level == "fault")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize(("offset_s", "reported_s"), [(60.0, 0.0), (60.001, 60.001), (-60.0, 0.0), (-60.001, -60.001)])
def test_clocks_may_differ_by_a_minute(offset_s: float, reported_s: float) -> None:
    state = PipelineState(links_ns={"CW-1": (round(offset_s * 1e9), 0)})
    assert state.clock_offset_s() == pytest.approx(reported_s)


def test_the_worst_clock_counts() -> None:
    state = PipelineState(links_ns={"CW-1": (70_000_000_000, 0), "CW-2": (-90_000_000_000, 0)})
    assert state.clock_offset_s() == -90.0


@pytest.mark.parametrize(("backlog", "problems"), [(500, 0), (501, 1)])
def test_a_backlog_of_more_than_500_messages_is_a_problem(backlog: int, problems: int) -> None:
    state = PipelineState()
    for name in ("collector", "detector", "store", "web"):
        state.services[name] = messages.ServiceStatus(
            sensor=f"_{name}",
            t_ns=1,
            origin=Origin.LIVE,
            online=True,
            service=name,
            backlog=backlog * (name == "store"),
        )
    assert len(state.service_problems()) == problems


@pytest.mark.parametrize(("blocks", "problems"), [(0, 1), (1, 0)])
def test_a_connected_sensor_must_send_samples(blocks: int, problems: int) -> None:
    state = PipelineState(sensors={"CW-1": True})
    state.blocks["CW-1"] = blocks
    assert len(state.sensor_problems()) == problems
