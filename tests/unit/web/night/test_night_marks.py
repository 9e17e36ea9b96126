"""The wearer's start and end of a night: stored until published, and one night however often it is marked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import JournalEntry
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.web.night import bedtime as night_marks
from crampwatch.web.night.bedtime import NightMarks, Step, make_mark, marked_span

BEGIN_NS = int(datetime(2026, 11, 20, 22, 30, tzinfo=UTC).timestamp()) * 1_000_000_000
HOUR_NS = 3_600_000_000_000
NIGHT = "2026-11-20"


def mark(step: Step, hour: float, origin: Origin = Origin.LIVE) -> JournalEntry:
    return make_mark(step, t_ns=BEGIN_NS + round(hour * HOUR_NS), origin=origin)


def span_h(*marks: JournalEntry) -> tuple[float, float | None] | None:
    span = marked_span(marks, NIGHT, 0)
    if span is None:
        return None
    return (span[0] - BEGIN_NS) / HOUR_NS, None if span[1] is None else (span[1] - BEGIN_NS) / HOUR_NS


def test_a_night_lasts_from_its_start_to_its_end() -> None:
    assert span_h(mark("end", 8), mark("begin", 0)) == (0, 8)


def test_getting_up_and_going_back_to_bed_is_one_night() -> None:
    assert span_h(mark("begin", 0), mark("end", 3), mark("begin", 3.5), mark("end", 8)) == (0, 8)


def test_a_night_without_an_end_is_open() -> None:
    assert span_h(mark("begin", 0)) == (0, None)
    assert span_h(mark("begin", 0), mark("end", 3), mark("begin", 3.5)) == (0, None)


def test_marks_of_other_nights_and_simulated_ones_do_not_count() -> None:
    assert span_h(mark("begin", 24), mark("end", -24), mark("begin", 0, Origin.DEMO)) is None
    assert span_h() is None


def test_the_same_mark_twice_is_one_journal_entry() -> None:
    assert mark("begin", 1) == mark("begin", 1)
    assert str(Topic(mark("begin", 1).sensor, Leaf.JOURNAL)) == "crampwatch/v1/_web/journal"


async def test_unpublished_marks_survive_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night_marks, "_RETRY_S", 0.01)
    published: asyncio.Queue[JournalEntry] = asyncio.Queue()
    attempts = 0

    async def publish(enattempts: Sequence[JournalEntry]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise UnavailableError("The broker is not connected.")
        for entry in enattempts:
            published.put_nowait(entry)

    path = tmp_path / "page" / "night-marks.json"
    before = NightMarks(path, publish)
    await before.add(mark("begin", 0))
    after = NightMarks(path, publish)
    assert after.pending == (mark("begin", 0),)
    running = asyncio.create_task(after.run())
    async with asyncio.timeout(20):
        assert await published.get() == mark("begin", 0)
        await after.add(mark("end", 8))
        assert await published.get() == mark("end", 8)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert published.empty()


def test_an_end_at_the_time_of_the_start_is_no_end() -> None:
    assert span_h(mark("begin", 1), mark("end", 1)) == (1, None)
    assert span_h(mark("begin", 1), mark("end", 1.001)) == (1, 1.001)


async def test_two_hundred_marks_wait_for_the_broker() -> None:
    async def publish(_: Sequence[JournalEntry]) -> None:
        raise UnavailableError("The broker is not connected.")

    marks = NightMarks(None, publish)
    for number in range(201):
        await marks.add(mark("begin", number))
    assert (marks.pending[0], len(marks.pending)) == (mark("begin", 1), 200)
