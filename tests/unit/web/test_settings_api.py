"""Alarms, sensor names and the state of this machine over HTTP."""

import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.protocol.messages import JournalEntry, encode
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.web.access.auth import HostRule
from crampwatch.web.app import create_app
from crampwatch.web.http.middleware import INTENT_HEADER
from crampwatch.web.http.openapi import build_routes, description_operation
from crampwatch.web.live.model import LiveModel
from crampwatch.web.model.sensor_labels import SensorLabel
from crampwatch.web.night.bedtime import NightMarks
from crampwatch.web.settings.api import SettingsApi
from crampwatch.web.settings.folder import SettingsFolder
from crampwatch.web.settings.system_report import bytes_per_hour, make_report, thresholds
from crampwatch.web.stream.sse import Hub
from hypothesis import HealthCheck, given, settings
from nights.foot_messages import Foot
from schemathesis.core.result import Ok

MEANT = {INTENT_HEADER: "1"}
OWN = {**MEANT, "Host": "localhost:8042"}


class Page:
    """A server over a folder, as a browser sees it."""

    def __init__(self, data: Path) -> None:
        self.model = LiveModel(now_ns=time.time_ns(), utc_offset_s=0)
        self.foot = Foot("cw-left", side="unknown", muscle="")
        self.model.apply(Topic("cw-left", Leaf.INFO), encode(self.foot.info()), now_s=0)
        self.published: list[JournalEntry] = []
        self.marks = NightMarks(data / "page" / "night-marks.json", self._publish)
        self.api = SettingsApi(
            self.model,
            SettingsFolder(data / "page"),
            lambda: make_report(data, now_ns=time.time_ns(), store_url="sqlite:////none", is_guarded=False),
            self.marks,
        )
        operations = self.api.operations()
        routes = build_routes([*operations, description_operation(operations, version="0")])
        app = create_app(assets={}, hub=Hub(self.model), hosts=HostRule(), routes=routes)
        self.app = app
        self.browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost:8042", headers=MEANT
        )

    async def _publish(self, entries: Sequence[JournalEntry]) -> None:
        self.published += entries


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    page = Page(tmp_path)
    async with page.browser:
        yield page


async def test_a_snooze_survives_a_restart_and_reaches_every_page(page: Page, tmp_path: Path) -> None:
    page.model.drain_changes(now_s=0)
    answer = await page.browser.post("/api/v1/alarms/snooze", json={"kind": "cramp", "seconds": 3600})
    assert answer.status_code == 200
    until_ns = answer.json()["snoozed"]["cramp"]
    assert 3590e9 < until_ns - time.time_ns() <= 3600e9
    update = page.model.drain_changes(now_s=0)
    assert update is not None
    assert update.alarms is not None
    assert update.alarms.snoozed == {"cramp": until_ns}
    again = Page(tmp_path)
    async with again.browser:
        assert (await again.browser.get("/api/v1/alarms")).json() == answer.json()


async def test_acknowledgements_and_the_night_are_saved(page: Page, tmp_path: Path) -> None:
    await page.browser.post("/api/v1/alarms/acknowledge", json={"episodes": ["a", "b"]})
    await page.browser.post("/api/v1/alarms/night", json={"step": "begin"})
    await page.browser.patch("/api/v1/alarms", json={"calls": ["cramp", "rhythmic"], "wake_at": "06:30"})
    saved = SettingsFolder(tmp_path / "page").load_alarms()
    assert saved.acknowledged == ("a", "b")
    assert saved.night_ns is not None
    assert (saved.calls, saved.wake_at) == (("cramp", "rhythmic"), "06:30")
    await page.browser.post("/api/v1/alarms/night", json={"step": "end"})
    assert SettingsFolder(tmp_path / "page").load_alarms().night_ns is None


async def test_a_night_started_twice_is_recorded_once_and_survives_the_server(page: Page, tmp_path: Path) -> None:
    before_ns = time.time_ns()
    for step in ("end", "begin", "begin", "end", "end"):
        assert (await page.browser.post("/api/v1/alarms/night", json={"step": step})).status_code == 200
    marks = Page(tmp_path).marks.pending
    assert [mark.text for mark in marks] == ["night_begin", "night_end"]
    assert before_ns < marks[0].t_ns < marks[1].t_ns < time.time_ns()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("alarms/snooze", {"kind": "artefact", "seconds": 60}),
        ("alarms/snooze", {"kind": "sensor_silent", "seconds": 60}),
        ("alarms/snooze", {"kind": "cramp", "seconds": 10**9}),
        ("alarms/snooze", {"kind": "cramp"}),
        ("alarms/acknowledge", {"episodes": []}),
        ("alarms/acknowledge", {"episodes": ["a" * 200]}),
        ("alarms/night", {"step": "pause"}),
        ("alarms/night", []),
    ],
)
async def test_an_invalid_change_of_the_alarms_is_refused_with_a_reason(page: Page, path: str, body: object) -> None:
    before = (await page.browser.get("/api/v1/alarms")).json()
    answer = await page.browser.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await page.browser.get("/api/v1/alarms")).json() == before


@pytest.mark.parametrize("choice", [{"wake_at": "25:00"}, {"wake_at": "7:00"}, {"calls": ["artefact"]}, {"calls": 1}])
async def test_an_invalid_choice_of_alarms_is_refused(page: Page, choice: object) -> None:
    assert (await page.browser.patch("/api/v1/alarms", json=choice)).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000, b'"' + b"a" * 20_000 + b'"'])
async def test_an_unreadable_body_is_refused(page: Page, body: bytes) -> None:
    assert (await page.browser.put("/api/v1/sensors/cw-left", content=body)).status_code in (400, 413)


async def test_a_sensor_shows_the_name_and_placement_people_gave_it(page: Page, tmp_path: Path) -> None:
    label = {"name": "the blue one", "side": "left", "muscle": "arch"}
    assert (await page.browser.put("/api/v1/sensors/cw-left", json=label)).status_code == 200
    info = page.model.snapshot(now_s=0).sensors["cw-left"].info
    assert info is not None
    assert (info.name, info.placement.side, info.placement.muscle) == ("the blue one", "left", "arch")
    update = page.model.drain_changes(now_s=0)
    assert update is not None
    assert update.sensors["cw-left"].info == info
    again = Page(tmp_path)
    async with again.browser:
        again_info = again.model.snapshot(now_s=0).sensors["cw-left"].info
        assert again_info is not None
        assert again_info.name == "the blue one"
        assert (await again.browser.delete("/api/v1/sensors/cw-left")).status_code == 204
        assert (await again.browser.delete("/api/v1/sensors/cw-left")).status_code == 404
        back = again.model.snapshot(now_s=0).sensors["cw-left"].info
        assert back is not None
        assert (back.name, back.placement.side) == ("cw-left", "unknown")


async def test_an_unknown_sensor_cannot_be_named(page: Page) -> None:
    assert (await page.browser.put("/api/v1/sensors/other", json={"name": "x"})).status_code == 404


async def test_this_machine_is_reported_on(page: Page, tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "a.cws").write_bytes(b"0" * 1000)
    system = (await page.browser.get("/api/v1/system")).json()
    assert abs(system["now_ns"] - time.time_ns()) < 10e9
    assert system["versions"]["Python"].startswith("3.")
    assert {place["what"]: place["octets"] for place in system["places"]}["sessions"] == 1000
    assert system["nights"] == int(system["free_octets"] / (system["octets_an_hour"] * system["night_hours"]))
    assert system["is_measured"] is False
    assert "token" not in json.dumps(system)


def test_no_request_causes_a_server_error(tmp_path: Path) -> None:
    # Schemathesis runs each request in a new event loop.
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", Page(tmp_path).app, headers=OWN)
    count = 0
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=OWN)
            assert answer.status_code < 500, answer.text

        ask()
        count += 1
    assert count == 8


def test_the_size_of_an_hour_is_measured_on_recordings(tmp_path: Path) -> None:
    assert bytes_per_hour(tmp_path) == (14_500_000.0, False)
    for hour, size in ((20, 1_000_000), (21, 3_000_000), (22, 8_000_000)):
        path = tmp_path / f"20260101T{hour}0000Z-0123abcd.cws"
        path.write_bytes(b"0" * size)
        os.utime(path, (1767225600 + hour * 3600 + 1800,) * 2)
    rate, is_measured = bytes_per_hour(tmp_path)
    assert is_measured
    assert rate == pytest.approx(6_000_000)
    (tmp_path / "store.sqlite").write_bytes(b"0" * 1_500_000)
    assert bytes_per_hour(tmp_path, tmp_path / "store.sqlite")[0] == pytest.approx(7_000_000)


def test_a_replayed_recording_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "20200101T200000Z-0123abcd.cws").write_bytes(b"0" * 1000)
    assert bytes_per_hour(tmp_path)[1] is False


def test_ratios_are_reported_for_amplitude() -> None:
    shown = thresholds(DetectorConfig(least_onset_ratio=4.0, hold_ratio=2.0))
    assert (shown.onset_ratio, round(shown.hold_ratio, 2)) == (2.0, 1.41)


def write_recording(folder: Path, *, hour: int, length_s: float, size: int) -> None:
    path = folder / f"20260101T{hour:02d}0000Z-0123abcd.cws"
    path.write_bytes(b"0" * size)
    os.utime(path, (1767225600 + hour * 3600 + length_s,) * 2)


@pytest.mark.parametrize(
    ("length_s", "is_measured"), [(1799.0, False), (1800.0, True), (36 * 3600.0, True), (36 * 3600 + 1.0, False)]
)
def test_recordings_of_half_an_hour_to_36_hours_are_measured(
    tmp_path: Path, length_s: float, is_measured: bool
) -> None:
    write_recording(tmp_path, hour=0, length_s=length_s, size=1000)
    assert bytes_per_hour(tmp_path)[1] is is_measured


def test_the_median_of_the_newest_five_recordings_counts(tmp_path: Path) -> None:
    for hour, size in enumerate((900, 100, 200, 300, 400, 500)):
        write_recording(tmp_path, hour=hour, length_s=3600, size=size)
    assert bytes_per_hour(tmp_path) == (300, True)


async def test_sixty_four_sensors_can_be_named(page: Page) -> None:
    sensors = [f"s{number}" for number in range(65)]
    page.api._labels = {sensor: SensorLabel(name=sensor) for sensor in sensors[:63]}
    for sensor in ("cw-left", "cw-right"):
        info = Foot(sensor).info()
        page.model.apply(Topic(sensor, Leaf.INFO), encode(info), now_s=0)
    assert (await page.browser.put("/api/v1/sensors/cw-left", json={"name": "x"})).status_code == 200
    refused = await page.browser.put("/api/v1/sensors/cw-right", json={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_names")
    assert (await page.browser.put("/api/v1/sensors/cw-left", json={"name": "y"})).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(60, 200), (61, 400)])
async def test_a_name_has_at_most_sixty_characters(page: Page, length: int, status: int) -> None:
    assert (await page.browser.put("/api/v1/sensors/cw-left", json={"name": "x" * length})).status_code == status
