"""What a run adds up to."""

from typing import Any

from crampwatch.app.supervise.status import Tally
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


def taken(*told: messages.Message) -> Tally:
    tally = Tally(since_ns=5)
    for message in told:
        tally.take(message)
    return tally


def test_a_service_is_there_until_it_says_otherwise() -> None:
    assert taken(status("web", online=True)).online == {"web": "here"}
    assert taken(status("web", online=True), status("web", online=False)).online == {}


def test_what_the_broker_kept_from_an_earlier_run_does_not_count() -> None:
    assert taken(status("web", online=True, t_ns=4)).online == {}


def test_received_holds_what_came_later_too() -> None:
    told = link(received_samples=40_000, backfilled_samples=20_000, lost_samples=7, reconnects=1)
    summary = taken(info(), told).summary(final=True, restarts={})
    assert (summary.received, summary.backfilled, summary.lost, summary.monitored_s) == (60_000, 20_000, 7, 60.0)


def test_monitored_time_is_that_of_the_longest_sensor() -> None:
    tally = taken(info("CW-1"), info("CW-2"), link("CW-1", received_samples=1000), link("CW-2", received_samples=3000))
    summary = tally.summary(final=True, restarts={})
    assert (summary.sensors, summary.monitored_s, summary.received) == (2, 3.0, 4000)


def test_a_retracted_episode_does_not_count_and_a_final_one_holds() -> None:
    assert taken(episode(), episode(status="retracted", revision=2)).episodes == {}
    final = episode(status="final", kind=EpisodeKind.MOVEMENT, revision=1)
    tally = taken(episode(), final, episode(status="updated", revision=9))
    assert tally.summary(final=True, restarts={}).episodes == {"movement": 1}


def test_the_summary_says_what_data_it_is_about() -> None:
    text = taken(info(), link(received_samples=1000), episode()).summary(final=False, restarts={}).text()
    assert text.endswith("Simulated data.")
    assert "1 cramp" in text
    assert "(live verdict)" in text


def test_the_detector_is_done_when_no_sensor_has_data_any_more() -> None:
    tally = taken(info())
    assert tally.is_quiet()
    state = messages.SensorState(sensor="CW-1", t_ns=1, origin=Origin.DEMO, state="rest", session="s")
    tally.take(state)
    assert not tally.is_quiet()


def test_a_signal_is_heard_with_its_first_samples() -> None:
    tally = Tally(since_ns=0)
    assert not tally.hears_signal()
    tally.take(link(received_samples=0))
    assert not tally.hears_signal()
    tally.take(link("CW-2", received_samples=10))
    assert tally.hears_signal()
