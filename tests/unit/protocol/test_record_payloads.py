"""Payloads of the records that the collector makes up: their layout on disk, round trips, and damaged ones."""

import struct
from contextlib import suppress
from typing import Protocol

import pytest
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.record_payloads import (
    ClockStep,
    Connected,
    Disconnected,
    LostSamples,
    SignalStrength,
    SyncExchange,
)
from hypothesis import given
from hypothesis import strategies as st

i64 = st.integers(-(2**63), 2**63 - 1)
u64 = st.integers(0, 2**64 - 1)
u32 = st.integers(0, 2**32 - 1)
syncs = st.builds(SyncExchange, before_ns=i64, after_ns=i64, ticks=u32, index=u32)
strengths = st.builds(SignalStrength, st.integers(-128, 127))
steps = st.builds(ClockStep, i64)
losses = st.builds(LostSamples, stream=u64, first_index=u64, samples=u64)
connections = st.builds(Connected, address=st.text(), mtu=st.none() | st.integers(0, 517))
disconnections = st.builds(Disconnected, st.text())


class Payload(Protocol):
    """What all payloads have in common."""

    def encode(self) -> bytes: ...

    @classmethod
    def decode(cls, payload: bytes) -> "Payload": ...


@given(st.one_of(syncs, strengths, steps, losses, connections, disconnections))
def test_every_payload_reads_back_as_it_was_written(payload: Payload) -> None:
    assert type(payload).decode(payload.encode()) == payload


@given(st.one_of(syncs, strengths, steps, losses), st.data())
def test_truncated_or_longer_payloads_are_refused(payload: Payload, data: st.DataObject) -> None:
    encoded = payload.encode()
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    for damaged in (cut, encoded + b"\0"):
        with pytest.raises(FrameError, match=f"{len(damaged)} bytes; expected {len(encoded)}"):
            type(payload).decode(damaged)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(payload: bytes) -> None:
    for kind in (Connected, Disconnected, SyncExchange, SignalStrength, ClockStep, LostSamples):
        with suppress(FrameError):
            kind.decode(payload)


@given(syncs)
def test_ticks_are_the_high_half_of_the_third_number_of_a_sync(exchange: SyncExchange) -> None:
    both = exchange.ticks << 32 | exchange.index
    signed = both - (both >> 63 << 64)
    assert exchange.encode() == struct.pack("<3q", exchange.before_ns, exchange.after_ns, signed)


def test_the_layouts_on_disk_are_those_of_the_documentation() -> None:
    assert Connected("C0:01", 247).encode() == b'{"address": "C0:01", "mtu": 247}'
    assert Connected("C0:01").encode() == b'{"address": "C0:01", "mtu": null}'
    assert Disconnected("out of reach").encode() == b"out of reach"
    assert SignalStrength(-71).encode() == b"\xb9"
    assert ClockStep(-2).encode() == b"\xfe" + b"\xff" * 7
    assert LostSamples(1, 2, 3).encode() == struct.pack("<3Q", 1, 2, 3)


@pytest.mark.parametrize("payload", [b"", b"{", b"[1]", b'"text"', b"\xff"])
def test_a_connection_that_is_no_json_object_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError):
        Connected.decode(payload)


def test_a_connection_may_leave_out_what_is_unknown() -> None:
    assert Connected.decode(b"{}") == Connected("", None)
    assert Connected.decode(b'{"address": 5, "mtu": "247", "more": 1}') == Connected("", None)
