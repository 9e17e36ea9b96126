"""What is published to Home Assistant: valid by its own rules, and consistent with what the stages publish."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # publishes no types
import pytest
from crampwatch.home.model.discovery import discovery_message, discovery_topic, state_topic
from crampwatch.home.model.state import SensorEntities, night_start_ns
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import EpisodeKind, Origin
from hypothesis import given
from hypothesis import strategies as st
from nights.stored_messages import episode as stored_episode

SCHEMA = json.loads((Path(__file__).parent / "discovery_schema.json").read_text())
EVENING_NS = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC
HOUR_NS = 3_600_000_000_000
STATES = ("rest", "active", "cramp", "poor_signal", "off_body", "no_data")


def info(**changes: Any) -> messages.SensorInfo:
    fields: dict[str, Any] = {
        "sensor": "CW-LEFT",
        "t_ns": EVENING_NS,
        "origin": Origin.LIVE,
        "session": "s",
        "name": "CW-LEFT",
        "profile": "CWS v1",
        "boot_id": 1,
        "streams": (),
        "started_ns": EVENING_NS,
        "utc_offset_s": 3600,
        "placement": messages.Placement(side="left", muscle="abductor hallucis"),
        "firmware": "1.2",
    }
    return messages.SensorInfo(**{**fields, **changes})


def episode(
    number: int, status: Any = "closed", *, kind: EpisodeKind = EpisodeKind.CRAMP, onset_ns: int = EVENING_NS
) -> messages.Episode:
    return stored_episode(
        sensor="CW-LEFT", t_ns=onset_ns, id=f"e{number}", status=status, kind=kind, onset_ns=onset_ns, offset_ns=None
    )


def state(name: Any) -> messages.SensorState:
    return messages.SensorState(sensor="CW-LEFT", t_ns=EVENING_NS, origin=Origin.LIVE, state=name, session="s")


def online(is_online: bool = True) -> messages.ServiceStatus:
    return messages.ServiceStatus(
        sensor="CW-LEFT", t_ns=EVENING_NS, origin=Origin.LIVE, online=is_online, service="sensor"
    )


def published_state(*received: messages.Message, now_ns: int = EVENING_NS) -> dict[str, Any]:
    entities = SensorEntities()
    for message in (info(), online(), *received):
        entities.update(message)
    document: dict[str, Any] = json.loads(entities.encode(now_ns=now_ns))
    return document


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("firmware", ["", "1.2"])
def test_the_announcement_is_valid_by_home_assistants_rules(origin: Origin, firmware: str) -> None:
    announced = json.loads(discovery_message(info(origin=origin, firmware=firmware), version="0.1.0"))
    jsonschema.Draft202012Validator(SCHEMA).validate(announced)
    assert set(announced["components"]) == {
        "contraction",
        "state",
        "temperature",
        "battery",
        "episodes_tonight",
        "problem",
    }
    assert len({one["unique_id"] for one in announced["components"].values()}) == 6
    assert ("simulated" in announced["device"]["name"]) == (origin is Origin.DEMO)


def test_the_rules_refuse_what_home_assistant_refuses() -> None:
    announced = json.loads(discovery_message(info(), version="0.1.0"))
    announced["components"]["state"]["unit_of_measurement"] = "V"  # an enum has none
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(announced)


def test_every_template_reads_a_field_that_is_told() -> None:
    announced = discovery_message(info(), version="0.1.0").decode()
    fields = {part.split()[0].rstrip("}|") for part in announced.split("value_json.")[1:]}
    assert {field for field in fields if field != "online"} <= published_state().keys()


def test_topics_are_within_the_rights_of_the_role() -> None:
    assert discovery_topic("CW-LEFT") == "homeassistant/device/crampwatch-CW-LEFT/config"
    assert state_topic("CW-LEFT") == "crampwatch/home/CW-LEFT"


@pytest.mark.parametrize("name", STATES)
def test_the_states_are_those_that_were_announced(name: str) -> None:
    announced = json.loads(discovery_message(info(), version=""))["components"]["state"]["options"]
    document = published_state(state(name))
    assert document["state"] in announced
    assert document["contraction"] == ("ON" if name == "cramp" else "OFF")
    assert document["problem"] == ("ON" if name in ("poor_signal", "off_body", "no_data") else "OFF")


def test_temperature_and_battery_are_unknown_until_told() -> None:
    assert published_state()["temperature"] is None
    warm = messages.Temperature(sensor="CW-LEFT", t_ns=1, origin=Origin.LIVE, celsius=31.26)
    low = messages.Battery(sensor="CW-LEFT", t_ns=1, origin=Origin.LIVE, percent=9)
    document = published_state(state("rest"), warm, low)
    assert (document["temperature"], document["battery"]) == (31.3, 9)
    assert document["problem_why"] == "The battery is at 9 %."


def test_a_sensor_out_of_reach_is_a_problem_and_unavailable() -> None:
    document = published_state(state("rest"), online(False))
    assert (document["sensor"], document["problem"]) == ("offline", "ON")


def test_cramps_of_a_night_are_counted_once_each_and_not_when_withdrawn() -> None:
    received = [
        episode(1, "opened"),
        episode(1),
        episode(2),
        episode(3, kind=EpisodeKind.MOVEMENT),
        episode(2, "retracted"),
    ]
    assert published_state(*received)["episodes_tonight"] == 1
    assert published_state(*received, episode(1, "opened"))["episodes_tonight"] == 1
    assert published_state(episode(4, "final"), episode(5, "retracted"), episode(5))["episodes_tonight"] == 1


def test_the_count_begins_anew_at_noon() -> None:
    entities = SensorEntities()
    for message in (info(), online(), episode(1)):
        entities.update(message)
    assert json.loads(entities.encode(now_ns=EVENING_NS + 12 * HOUR_NS))["episodes_tonight"] == 1
    assert json.loads(entities.encode(now_ns=EVENING_NS + 14 * HOUR_NS))["episodes_tonight"] == 0
    assert entities.cramps == {}


@given(utc_ns=st.integers(0, 1 << 61), offset_s=st.integers(-14 * 3600, 14 * 3600))
def test_a_moment_lies_within_the_24_hours_of_its_night(utc_ns: int, offset_s: int) -> None:
    start_ns = night_start_ns(utc_ns, offset_s)
    assert 0 <= utc_ns - start_ns < 24 * HOUR_NS
    assert (start_ns + offset_s * 1_000_000_000) % (24 * HOUR_NS) == 12 * HOUR_NS


def test_a_battery_is_a_problem_below_15_percent() -> None:
    def problem_at(percent: int) -> object:
        battery = messages.Battery(sensor="CW-LEFT", t_ns=1, origin=Origin.LIVE, percent=percent)
        return published_state(state("rest"), battery)["problem_why"]

    assert [problem_at(15), problem_at(14)] == ["", "The battery is at 14 %."]


def test_a_cramp_belongs_to_the_night_from_its_first_moment_on() -> None:
    start_ns = night_start_ns(EVENING_NS, 3600)
    assert published_state(episode(1, onset_ns=start_ns))["episodes_tonight"] == 1
    assert published_state(episode(1, onset_ns=start_ns - 1))["episodes_tonight"] == 0
