"""The link layer of the virtual radio: loss delays and never drops, silence ends a connection, chance is seeded."""

import random

import pytest
from crampwatch.firmware_sim.radio.link_layer import AirPath, LinkLayer, Side, airtime_s
from hypothesis import given, settings
from hypothesis import strategies as st

INTERVAL_S = 0.03


def layer(seed: int = 0) -> LinkLayer[int]:
    return LinkLayer(interval_s=INTERVAL_S, supervision_s=4.0, rng=random.Random(seed), now_s=0.0)


def run(link: LinkLayer[int], path: AirPath, *, events: int, begin_s: float = 0.0) -> list[tuple[Side, int]]:
    arrived, now_s = [], begin_s
    for _ in range(events):
        now_s = link.next_event_s(now_s)
        arrived += [(one.sender, one.pdu) for one in link.run_event(now_s, path, INTERVAL_S)]
    return arrived


@settings(max_examples=60)
@given(st.floats(0.0, 0.8), st.integers(0, 40), st.integers(0, 40), st.integers(0, 1_000))
def test_everything_arrives_once_and_in_order(loss: float, down: int, up: int, seed: int) -> None:
    link = layer(seed)
    for n in range(down):
        link.push(Side.CENTRAL, 30, n)
    for n in range(up):
        link.push(Side.PERIPHERAL, 251, n)
    arrived = run(link, AirPath(loss=loss), events=4_000)
    assert [pdu for side, pdu in arrived if side is Side.CENTRAL] == list(range(down))
    assert [pdu for side, pdu in arrived if side is Side.PERIPHERAL] == list(range(up))
    assert link.is_idle


def test_an_event_of_30_ms_carries_eleven_full_packets() -> None:
    link = layer()
    for n in range(100):
        link.push(Side.PERIPHERAL, 251, n)
    assert len(run(link, AirPath(), events=1)) in (11, 12)
    assert airtime_s(251) == pytest.approx(2.27e-3)


def test_nothing_arrives_out_of_range_and_all_of_it_afterwards() -> None:
    link = layer()
    link.push(Side.PERIPHERAL, 251, 7)
    assert run(link, AirPath(in_range=False), events=100) == []
    assert not link.is_idle
    assert run(link, AirPath(), events=1, begin_s=3.0) == [(Side.PERIPHERAL, 7)]


def test_silence_expires_after_the_supervision_timeout() -> None:
    link = layer()
    run(link, AirPath(), events=10)
    assert not link.has_expired(4.2)
    assert link.has_expired(4.31)
    link.note_contact(4.3)
    assert not link.has_expired(8.2)


@given(st.floats(0.0, 1e5))
def test_the_next_event_is_later_by_at_most_an_interval(now_s: float) -> None:
    following_s = layer().next_event_s(now_s)
    assert -1e-6 <= following_s - now_s <= INTERVAL_S + 1e-6


def test_the_same_seed_loses_the_same_packets() -> None:
    def story(seed: int) -> list[int]:
        link = layer(seed)
        for n in range(50):
            link.push(Side.PERIPHERAL, 251, n)
        return [len(run(link, AirPath(loss=0.3), events=1, begin_s=n * INTERVAL_S)) for n in range(30)]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_a_side_that_is_gone_takes_its_packets_along() -> None:
    link = layer()
    link.push(Side.CENTRAL, 10, 1)
    link.push(Side.PERIPHERAL, 10, 2)
    link.discard(Side.CENTRAL)
    assert run(link, AirPath(), events=1) == [(Side.PERIPHERAL, 2)]
