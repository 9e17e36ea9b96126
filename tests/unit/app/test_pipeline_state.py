"""What the doctor makes of what services and sensors say: each broken link named, with what to do."""

from typing import Any

import pytest
from crampwatch.app.doctor.pipeline_state import NEEDED_STAGES, PipelineState
from crampwatch.protocol import messages
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic

NOW_NS = 1_700_000_000_000_000_000


def state_after(*published: messages.Message, samples: tuple[str, ...] = ()) -> PipelineState:
    state = PipelineState()
    leaves = {messages.ServiceStatus: Leaf.STATUS, messages.SensorInfo: Leaf.INFO, messages.Link: Leaf.LINK}
    for message in published:
        state.handle(Topic(message.sensor, leaves[type(message)]), messages.encode(message), now_ns=NOW_NS)
    for sensor in samples:
        state.handle(Topic(sensor, Leaf.SAMPLES), b"", now_ns=NOW_NS)
    return state


def status(name: str, *, online: bool = True, **more: Any) -> messages.ServiceStatus:
    sensor = name if name.startswith("CW") else f"_{name}"
    return messages.ServiceStatus(sensor=sensor, t_ns=NOW_NS, origin=Origin.LIVE, online=online, service=name, **more)


def info(**more: Any) -> messages.SensorInfo:
    return messages.SensorInfo(
        sensor="CW-1",
        t_ns=NOW_NS,
        origin=Origin.LIVE,
        session="s",
        name="CW-1",
        profile="p",
        boot_id=1,
        streams=(),
        started_ns=NOW_NS,
        utc_offset_s=0,
        **more,
    )


def link(offset_s: float, origin: Origin = Origin.LIVE) -> messages.Link:
    return messages.Link(sensor="CW-1", t_ns=NOW_NS + round(offset_s * 1e9), origin=origin, connected=True)


def test_a_complete_pipeline_has_no_problems() -> None:
    state = state_after(*map(status, NEEDED_STAGES), status("CW-1"), info(), link(0.2), samples=("CW-1",))
    assert state.is_running
    assert state.service_problems() == state.sensor_problems() == []
    assert state.clock_offset_s() == 0


def test_each_missing_stage_is_named_with_what_to_do() -> None:
    (fault,) = state_after(*[status(name) for name in NEEDED_STAGES if name != "store"]).service_problems()
    assert "crampwatch store" in fault
    (fault,) = state_after(*[status(name, online=name != "detector") for name in NEEDED_STAGES]).service_problems()
    assert fault.startswith("The detector has stopped")


def test_a_backlog_is_a_fault_of_the_database() -> None:
    state = state_after(*[status(name, backlog=100_000 if name == "store" else None) for name in NEEDED_STAGES])
    assert "100000 messages are waiting" in state.service_problems()[0]


def test_a_sensor_out_of_reach_or_silent_is_a_problem_unless_its_session_is_over() -> None:
    assert "out of reach" in state_after(status("CW-1", online=False)).sensor_problems()[0]
    assert "no samples" in state_after(status("CW-1"), info()).sensor_problems()[0]
    assert state_after(status("CW-1", online=False), info(ended_ns=NOW_NS)).sensor_problems() == []


@pytest.mark.parametrize(
    ("said", "offset_s"),
    [(link(3600), 3600), (link(-90), -90), (link(30), 0), (link(-1e6, Origin.DEMO), 0)],
)
def test_a_wrong_clock_is_reported_but_not_that_of_a_replay(said: messages.Link, offset_s: float) -> None:
    assert state_after(said).clock_offset_s() == pytest.approx(offset_s)


def test_nothing_runs_while_all_are_offline() -> None:
    assert not state_after(*[status(name, online=False) for name in NEEDED_STAGES]).is_running


def test_an_unreadable_message_is_an_error() -> None:
    with pytest.raises(FrameError):
        PipelineState().handle(Topic("CW-1", Leaf.STATUS), b"{", now_ns=NOW_NS)
