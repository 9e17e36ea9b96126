"""docs/protocol.md: a firmware author needs nothing else, so its vectors must be what the code says."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crampwatch.protocol import gatt
from crampwatch.protocol.checksum import append_checksum
from crampwatch.protocol.control import (
    Backfill,
    BackfillDone,
    Opcode,
    Reply,
    Request,
    RingReport,
    SettingKey,
    Status,
    SyncReply,
)
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag, decode_samples, encode_samples
from crampwatch.protocol.info import Capability, Info, RingState
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.protocol.temperature import decode_temperature, encode_temperature

_PAGE = (Path(__file__).resolve().parents[3] / "docs" / "protocol.md").read_text("utf-8")
_LINES = _PAGE.split("```vectors\n")[1].split("\n```")[0].splitlines()
_VECTORS = [tuple(part.strip() for part in line.split("|", 2)) for line in _LINES]
_GOOD = [vector for vector in _VECTORS if not vector[0].startswith("broken ")]
_BROKEN = [vector for vector in _VECTORS if vector[0].startswith("broken ")]

Fields = dict[str, Any]


def _info(fields: Fields) -> Info:
    streams = tuple(
        StreamDescription(
            row["stream"],
            StreamKind(row["kind"]),
            row["channels"],
            SampleFormat(row["format"]),
            row["rate_hz"],
            math.nan if row["lsb"] is None else row["lsb"],
            row["offset"],
            (row["band_hz"][0], row["band_hz"][1]),
        )
        for row in fields["streams"]
    )
    rings = tuple(RingState(*row) for row in fields["rings"])
    capabilities = Capability(fields["capabilities"])
    spans = tuple(fields["samples_per_frame"])
    return Info(capabilities, fields["boot_id"], fields["tick_hz"], streams, rings, spans)


def _frame(fields: Fields) -> Frame:
    counts = np.array(fields["counts"], np.int32)
    payload = encode_samples(counts, SampleFormat(fields["format"]))
    numbers = (fields["sequence"], fields["first_index"], fields["ticks"])
    return Frame(fields["stream"], FrameFlag(fields["flags"]), *numbers, payload)


def _reply(fields: Fields) -> Reply:
    params = bytes.fromhex(fields["params"])
    return Reply(fields["opcode"], fields["token"], Status(fields["status"]), params, fields["done"])


def _event(fields: Fields) -> SensorEvent:
    payload = bytes.fromhex(fields["payload"])
    return SensorEvent(fields["code"], fields["stream"], fields["index"], fields["ticks"], payload)


def _ring_report(fields: Fields) -> RingReport:
    rings = tuple((row[0], RingState(*row[1:])) for row in fields["rings"])
    return RingReport(fields["boot_id"], fields["ticks"], rings)


_BUILD: dict[str, Callable[[Fields], Any]] = {
    "info": _info,
    "request": lambda fields: Request(fields["opcode"], fields["token"], bytes.fromhex(fields["params"])),
    "reply": _reply,
    "ring-report": _ring_report,
    "backfill": lambda fields: Backfill(**fields),
    "backfill-done": lambda fields: BackfillDone(**fields),
    "sync": lambda fields: SyncReply(**fields),
    "frame": _frame,
    "event": _event,
}
_DECODE: dict[str, Callable[[bytes], Any]] = {
    "info": Info.decode,
    "request": Request.decode,
    "reply": Reply.decode,
    "ring-report": RingReport.decode,
    "backfill": Backfill.decode,
    "backfill-done": BackfillDone.decode,
    "sync": SyncReply.decode,
    "frame": Frame.decode,
    "event": SensorEvent.decode,
    "temperature": decode_temperature,
}


@pytest.mark.parametrize("vector", [one for one in _GOOD if one[0] in _BUILD], ids=lambda one: f"{one[0]} {one[1]}")
def test_a_vector_is_what_the_code_encodes_and_decodes(vector: tuple[str, str, str]) -> None:
    kind, packet, fields = vector[0], bytes.fromhex(vector[1]), json.loads(vector[2])
    expected = _BUILD[kind](fields)
    assert expected.encode().hex() == packet.hex()
    decoded = _DECODE[kind](packet)
    assert repr(decoded) == repr(expected), "compared as text, since an unknown scale is not equal to itself"


def test_samples_of_a_frame_are_what_the_page_states() -> None:
    for kind, packet, text in _GOOD:
        if kind == "frame":
            fields = json.loads(text)
            form, channels = SampleFormat(fields["format"]), len(fields["counts"][0])
            counts = decode_samples(Frame.decode(bytes.fromhex(packet)).payload, channels=channels, form=form)
            assert counts.tolist() == fields["counts"]


def test_temperatures_and_the_checksum_are_what_the_page_states() -> None:
    for kind, packet, text in _GOOD:
        fields = json.loads(text)
        if kind == "temperature":
            celsius = math.nan if fields["celsius"] is None else fields["celsius"]
            assert encode_temperature(celsius).hex() == packet
            assert decode_temperature(bytes.fromhex(packet)) == pytest.approx(celsius, nan_ok=True)
        elif kind == "crc":
            assert append_checksum(bytes.fromhex(fields["body"])).hex() == packet


@pytest.mark.parametrize("vector", _BROKEN, ids=lambda one: f"{one[0]} {one[1]}")
def test_a_broken_vector_is_refused(vector: tuple[str, str, str]) -> None:
    with pytest.raises(FrameError):
        _DECODE[vector[0].removeprefix("broken ")](bytes.fromhex(vector[1]))


def test_every_layout_opcode_and_event_has_a_vector() -> None:
    assert {kind for kind, _, _ in _GOOD} == {*_BUILD, "temperature", "crc"}
    fields = [(kind, json.loads(text)) for kind, _, text in _GOOD]
    assert {one["opcode"] for kind, one in fields if kind == "request"} == set(Opcode)
    assert {one["code"] for kind, one in fields if kind == "event"} == set(EventCode)


def test_the_page_names_every_opcode_status_event_setting_and_uuid() -> None:
    for opcode in Opcode:
        assert f"| {opcode.value} {opcode.name} |" in _PAGE
    for status in Status:
        assert f"| {status.value} | {status.name.lower().replace('_', ' ')} |" in _PAGE
    for code in EventCode:
        assert f"| {code.value} {code.name.lower().replace('_', ' ')} |" in _PAGE
    for key in SettingKey:
        assert f"Key {key.value}:" in _PAGE
    assert gatt.CWS_SERVICE in _PAGE
    for uuid in (gatt.INFO, gatt.CONTROL, gatt.DATA, gatt.EVENT, gatt.STORED_DATA):
        assert f"`{uuid[:8]}-…`" in _PAGE
    for uuid in (gatt.BATTERY_LEVEL, gatt.TEMPERATURE, gatt.MANUFACTURER_NAME, gatt.SERIAL_NUMBER):
        assert re.search(uuid[4:8], _PAGE, re.IGNORECASE)
