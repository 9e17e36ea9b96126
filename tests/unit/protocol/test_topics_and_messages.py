"""MQTT topics and JSON messages: round trip and hostile payloads."""

import json

import msgspec
import pytest
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import (
    MAX_MESSAGE_BYTES,
    MESSAGE_TYPES,
    Battery,
    Episode,
    Message,
    SensorState,
    decode,
    encode,
    json_schemas,
)
from crampwatch.protocol.topics import SENSOR_PATTERN, Leaf, Topic, leaf_filter, sensor_id, service_topic
from hypothesis import given
from hypothesis import strategies as st

EPISODE = Episode(
    sensor="CW-1234",
    t_ns=1,
    origin=Origin.DEMO,
    id="CW-1234-7-1-4000",
    revision=2,
    status="closed",
    kind=EpisodeKind.CRAMP,
    session="5e8f",
    boot_id=7,
    onset_ns=4,
    offset_ns=9,
    onset_index=4000,
    offset_index=9000,
    detected_index=6000,
    rate_hz=1000.0,
    channels=(0,),
    confidence=0.9,
    peak=61.5,
    unit="uV",
    reasons=("sustained for 5 s",),
)


@given(st.from_regex(SENSOR_PATTERN, fullmatch=True), st.sampled_from(Leaf))
def test_topics_read_back(sensor: str, leaf: Leaf) -> None:
    assert Topic.parse(str(Topic(sensor, leaf))) == Topic(sensor, leaf)


@pytest.mark.parametrize(
    "text",
    ["", "crampwatch/v1/a", "crampwatch/v2/a/state", "crampwatch/v1/a/b/state", "crampwatch/v1/a/nonsense", "x" * 9999],
)
def test_foreign_topics_are_refused(text: str) -> None:
    with pytest.raises(FrameError, match="known leaf"):
        Topic.parse(text)


@given(st.text(max_size=60))
def test_any_name_becomes_a_topic_level_or_a_frame_error(name: str) -> None:
    try:
        cleaned = sensor_id(name)
    except FrameError:
        return
    assert Topic.parse(str(Topic(cleaned, Leaf.STATE))).sensor == cleaned
    assert not cleaned.startswith("_")


def test_services_have_status_topics_no_sensor_can_take() -> None:
    assert str(service_topic("store")) == "crampwatch/v1/_store/status"
    assert leaf_filter(Leaf.EPISODE) == "crampwatch/v1/+/episode"


def test_an_episode_reads_back_as_it_was_written() -> None:
    assert decode(encode(EPISODE), Episode) == EPISODE


def test_fields_of_a_later_version_are_skipped() -> None:
    raw = json.loads(encode(EPISODE)) | {"invented_later": [1, 2, 3]}
    assert decode(json.dumps(raw).encode(), Episode) == EPISODE


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"confidence": 1.5},
        {"kind": "heart_attack"},
        {"channels": "all"},
        {"onset_ns": -1},
        {"reasons": ["x" * 501]},
        {"rate_hz": 0},
        {"sensor": ""},
    ],
)
def test_values_out_of_contract_are_refused(change: dict[str, object]) -> None:
    raw = json.loads(encode(EPISODE)) | change
    with pytest.raises(FrameError, match="Episode message cannot be read"):
        decode(json.dumps(raw).encode(), Episode)


@pytest.mark.parametrize("kind", sorted(MESSAGE_TYPES.values(), key=str))
@given(payload=st.binary(max_size=400))
def test_any_bytes_decode_or_raise_a_frame_error(kind: type[Message], payload: bytes) -> None:
    with pytest.raises(FrameError):
        decode(payload, kind)


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"v":1', b" " * (MAX_MESSAGE_BYTES + 1), b"\xff\xfe"])
def test_hostile_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(FrameError):
        decode(payload, Battery)


def test_every_leaf_but_samples_has_a_schema_naming_its_fields() -> None:
    made = json_schemas()
    assert set(made) == {leaf.value for leaf in Leaf} - {"samples"}
    assert "onset_ns" in json.dumps(made["episode"])


def test_a_state_says_what_is_wrong_with_each_channel() -> None:
    raw = b'{"sensor":"a","t_ns":5,"origin":"live","v":1,"state":"poor_signal","session":"s","quality":[["mains"],[]]}'
    state = decode(raw, SensorState)
    assert msgspec.to_builtins(state)["quality"] == [["mains"], []] or state.quality == (("mains",), ())
