"""The state of a run, and its summary."""

from typing import Any

import msgspec
import pytest
from crampwatch.app.supervise.status import RunStatus
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import EpisodeKind, Origin


def status(name: str, *, online: bool, t_ns: int = 10) -> messages.ServiceStatus:
    return messages.ServiceStatus(
        sensor=f"_{name}", t_ns=t_ns, origin=Origin.LIVE, online=online, service=name, detail="here"
    )


def info(sensor: str = "CW-1") -> messages.SensorInfo:
    stream = messages.StreamInfo(
        stream=1, kind="emg", channels=2, rate_hz=1000.0, lsb_uv=0.25, band_hz=(10.0, 450.0), labels=()
    )
    return messages.SensorInfo(
        sensor=sensor,
        t_ns=10,
        origin=Origin.DEMO,
        session="s",
        name=sensor,
        profile="cws-v1",
        boot_id=1,
        streams=(stream,),
        started_ns=0,
        utc_offset_s=0,
    )


def link(sensor: str = "CW-1", **counts: Any) -> messages.Link:
    return messages.Link(sensor=sensor, t_ns=10, origin=Origin.DEMO, connected=True, **counts)


def episode(**changes: Any) -> messages.Episode:
    fields: dict[str, Any] = {
        "id": "e1",
        "revision": 1,
        "status": "opened",
        "kind": EpisodeKind.CRAMP,
        "session": "s",
        "boot_id": 1,
        "onset_ns": 5,
        "offset_ns": None,
        "onset_index": 5,
        "offset_index": None,
        "detected_index": 6,
        "rate_hz": 1000.0,
        "channels": (0,),
        "confidence": 0.9,
        "peak": 100.0,
        "unit": "uV",
        "reasons": (),
    }
    return messages.Episode(sensor="CW-1", t_ns=10, origin=Origin.DEMO, **{**fields, **changes})


def status_after(*published: messages.Message) -> RunStatus:
    state = RunStatus(since_ns=5)
    for message in published:
        state.handle(message)
    return state


def test_a_service_is_online_until_it_publishes_otherwise() -> None:
    assert status_after(status("web", online=True)).online == {"web": "here"}
    assert status_after(status("web", online=True), status("web", online=False)).online == {}


@pytest.mark.parametrize(("t_ns", "online"), [(4, {}), (5, {"web": "here"})])
def test_statuses_retained_from_an_earlier_run_are_ignored(t_ns: int, online: dict[str, str]) -> None:
    assert status_after(status("web", online=True, t_ns=t_ns)).online == online


def test_the_status_of_a_sensor_is_not_that_of_a_service() -> None:
    of_sensor = msgspec.structs.replace(status("collector", online=True), sensor="CW-1")
    assert status_after(of_sensor).online == {}


def test_a_retraction_removes_a_final_episode() -> None:
    assert status_after(episode(status="final"), episode(status="retracted", revision=2)).episodes == {}


def test_received_samples_include_those_fetched_later() -> None:
    report = link(received_samples=40_000, backfilled_samples=20_000, lost_samples=7, reconnects=1)
    summary = status_after(info(), report).summary(final=True, restarts={})
    assert (summary.received, summary.backfilled, summary.lost, summary.monitored_s) == (60_000, 20_000, 7, 60.0)


def test_monitored_time_is_that_of_the_longest_sensor() -> None:
    state = status_after(
        info("CW-1"), info("CW-2"), link("CW-1", received_samples=1000), link("CW-2", received_samples=3000)
    )
    summary = state.summary(final=True, restarts={})
    assert (summary.sensors, summary.monitored_s, summary.received) == (2, 3.0, 4000)


def test_a_retracted_episode_does_not_count_and_a_final_one_is_not_overridden() -> None:
    assert status_after(episode(), episode(status="retracted", revision=2)).episodes == {}
    final = episode(status="final", kind=EpisodeKind.MOVEMENT, revision=1)
    state = status_after(episode(), final, episode(status="updated", revision=9))
    assert state.summary(final=True, restarts={}).episodes == {"movement": 1}


def test_the_summary_marks_simulated_data_and_live_results() -> None:
    text = status_after(info(), link(received_samples=1000), episode()).summary(final=False, restarts={}).text()
    assert text.endswith("Simulated data.")
    assert text.startswith("1 likely cramp in 1.0 s, live result. ")


def test_detection_is_over_when_no_sensor_has_data_any_more() -> None:
    state = status_after(info())
    assert state.is_detection_over()
    state.handle(messages.SensorState(sensor="CW-1", t_ns=1, origin=Origin.DEMO, state="rest", session="s"))
    assert not state.is_detection_over()


def test_there_is_a_signal_from_the_first_samples_on() -> None:
    state = RunStatus(since_ns=0)
    assert not state.has_signal()
    state.handle(link(received_samples=0))
    assert not state.has_signal()
    state.handle(link("CW-2", received_samples=10))
    assert state.has_signal()
