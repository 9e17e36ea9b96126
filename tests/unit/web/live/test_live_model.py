"""The live view's model: which revision is valid, what a night is, and that nothing grows without bound."""

import base64
import tracemalloc
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import Episode, Message, ServiceStatus, encode
from crampwatch.protocol.topics import Leaf, Topic, service_topic
from crampwatch.web.live.episodes import NightEpisodes, night_start_ns, supersedes
from crampwatch.web.live.model import LiveModel
from hypothesis import given
from hypothesis import strategies as st
from nights.foot_messages import Foot

NOW_NS = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC
HOUR_NS = 3_600_000_000_000


def model() -> LiveModel:
    return LiveModel(now_ns=NOW_NS, utc_offset_s=0, version="test")


def foot() -> Foot:
    return Foot("cw", start_ns=NOW_NS, origin=Origin.DEMO)


def apply(live: LiveModel, leaf: Leaf, message: Message, *, now_s: float = 0.0) -> None:
    live.apply(Topic(message.sensor, leaf), encode(message), now_s=now_s)


def add_blocks(live: LiveModel, maker: Foot, *, blocks: int = 1, samples: int = 100, now_s: float = 0.0) -> None:
    for _ in range(blocks):
        live.apply(Topic(maker.sensor, Leaf.SAMPLES), maker.block(samples).encode(), now_s=now_s)


def shown_episodes(live: LiveModel) -> list[tuple[str, int]]:
    return [(episode.status, episode.revision) for episode in live.snapshot(now_s=0).episodes]


def test_every_leaf_reaches_the_snapshot() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker, blocks=30, now_s=5.0)
    apply(live, Leaf.INFO, maker.info())
    apply(live, Leaf.STATE, maker.state("rest"))
    apply(live, Leaf.TEMPERATURE, maker.temperature(31.5))
    apply(live, Leaf.BATTERY, maker.battery(80, hours=9))
    apply(live, Leaf.LINK, maker.link())
    apply(live, Leaf.FEATURES, maker.features())
    apply(live, Leaf.EPISODE, maker.episode("a"))
    apply(live, Leaf.NOTICE, maker.notice("cramp", "Likely cramp."))
    snapshot = live.snapshot(now_s=7.0)
    sensor = snapshot.sensors["cw"]
    assert sensor.origin is Origin.DEMO
    assert (sensor.channels, sensor.unit, sensor.silent_s) == (2, "uV", 2.0)
    assert all((sensor.info, sensor.state, sensor.temperature, sensor.battery, sensor.link))
    assert sensor.fine and sensor.coarse and sensor.features  # noqa: PT018 - one claim: every curve is there
    assert (len(snapshot.episodes), len(snapshot.notices), snapshot.counts) == (1, 1, {"cramp": 1})


def test_a_change_is_sent_once() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker)
    first = live.drain_changes(now_s=0)
    assert first is not None
    assert first.sensors["cw"].fine
    assert live.drain_changes(now_s=0) is None


def test_backfill_does_not_make_a_silent_sensor_look_live() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker)
    live.drain_changes(now_s=0)
    block = maker.block()
    late = replace(block, flags=block.flags | 8)
    live.apply(Topic("cw", Leaf.SAMPLES), late.encode(), now_s=60.0)
    update = live.drain_changes(now_s=60.0)
    assert update is not None
    assert update.sensors["cw"].silent_s is None
    assert live.snapshot(now_s=60.0).sensors["cw"].silent_s == 60.0


def test_a_final_result_replaces_any_live_one() -> None:
    live, maker = model(), foot()
    apply(live, Leaf.EPISODE, maker.episode("a", status="final", revision=3, lasts_s=10))
    apply(live, Leaf.EPISODE, maker.episode("a", status="updated", revision=9))
    assert shown_episodes(live) == [("final", 3)]


def test_a_retracted_episode_stays_visible_as_retracted() -> None:
    live, maker = model(), foot()
    apply(live, Leaf.EPISODE, maker.episode("a", status="closed", revision=1, lasts_s=10))
    apply(live, Leaf.EPISODE, maker.episode("a", status="retracted", revision=2, lasts_s=10))
    assert shown_episodes(live) == [("retracted", 2)]
    assert live.snapshot(now_s=0).counts == {"retracted": 1}


STATUSES = ("opened", "updated", "closed", "final", "retracted")


@given(st.permutations([(status, revision) for revision, status in enumerate(STATUSES)]))
def test_the_order_of_delivery_does_not_matter(delivered: list[tuple[str, int]]) -> None:
    live, maker = model(), foot()
    for status, revision in delivered + delivered[:2]:
        apply(live, Leaf.EPISODE, maker.episode("a", status=status, revision=revision))
    assert shown_episodes(live) == [("final", 3)]


def test_the_same_revision_again_is_no_change() -> None:
    episode = foot().episode("a", revision=4)
    assert not supersedes(episode, episode)


@pytest.mark.parametrize(
    ("hour", "offset_h", "noon_hours_ago"), [(22.2, 0, 10.2), (11.9, 0, 23.9), (12.0, 0, 0.0), (3.0, 2, 15.0)]
)
def test_a_night_belongs_to_the_evening_it_began(hour: float, offset_h: int, noon_hours_ago: float) -> None:
    midnight_ns = NOW_NS // (24 * HOUR_NS) * 24 * HOUR_NS
    local_ns = midnight_ns + round(hour * HOUR_NS)
    begin_ns = night_start_ns(local_ns - offset_h * HOUR_NS, offset_h * 3600)
    assert (local_ns - offset_h * HOUR_NS - begin_ns) / HOUR_NS == pytest.approx(noon_hours_ago)


def test_episodes_of_last_night_are_discarded_when_the_data_passes_noon() -> None:
    live, maker = model(), foot()
    apply(live, Leaf.EPISODE, maker.episode("a", status="closed", lasts_s=10))
    maker.start_ns += 24 * HOUR_NS
    add_blocks(live, maker)
    assert shown_episodes(live) == []


def test_a_replay_of_an_old_night_shows_that_night() -> None:
    live, maker = model(), foot()
    maker.start_ns -= 1000 * HOUR_NS
    add_blocks(live, maker)
    apply(live, Leaf.EPISODE, maker.episode("a"))
    assert live.night_ns < NOW_NS - 1000 * HOUR_NS
    assert len(shown_episodes(live)) == 1


def test_history_from_the_store_does_not_replace_newer_messages() -> None:
    live, maker = model(), foot()
    apply(live, Leaf.EPISODE, maker.episode("a", status="closed", revision=5, lasts_s=3))
    notice = maker.notice("cramp", "Likely cramp.")
    live.add_history([maker.episode("a", revision=2), maker.episode("b")], [notice, notice])
    assert sorted(shown_episodes(live)) == [("closed", 5), ("opened", 0)]
    assert len(live.snapshot(now_s=0).notices) == 1


def test_services_are_not_shown_as_sensors() -> None:
    live = model()
    status = ServiceStatus(sensor="_detector", t_ns=NOW_NS, origin=Origin.LIVE, online=False, service="detector")
    live.apply(service_topic("detector"), encode(status), now_s=0)
    snapshot = live.snapshot(now_s=0)
    assert not snapshot.sensors
    assert snapshot.services["detector"].online is False


def test_a_message_that_cannot_be_read_changes_nothing() -> None:
    live = model()
    for leaf in Leaf:
        with pytest.raises(FrameError):
            live.apply(Topic("cw", leaf), b"\x00nonsense", now_s=0)
    live.drain_changes(now_s=0)
    assert live.sensors == ()


def test_a_new_number_of_channels_restarts_the_curves() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker)
    live.drain_changes(now_s=0)
    block = maker.block()
    live.apply(Topic("cw", Leaf.SAMPLES), replace(block, counts=block.counts[:, :1]).encode(), now_s=0)
    update = live.drain_changes(now_s=0)
    assert update is not None
    assert (update.sensors["cw"].reset, update.sensors["cw"].channels) == (True, 1)


def test_only_the_first_emg_stream_is_drawn() -> None:
    live, maker = model(), foot()
    apply(live, Leaf.INFO, maker.info())
    block = maker.block()
    other = replace(block, stream=2)
    live.apply(Topic("cw", Leaf.SAMPLES), other.encode(), now_s=0)
    assert live.snapshot(now_s=0).sensors["cw"].channels == 0


def test_an_older_message_of_the_same_session_is_ignored() -> None:
    live, maker = model(), foot()
    early = maker.state("rest")
    maker.skip(1)
    apply(live, Leaf.STATE, maker.state("cramp"))
    apply(live, Leaf.STATE, early)
    state = live.snapshot(now_s=0).sensors["cw"].state
    assert state is not None
    assert state.state == "cramp"


def test_connecting_to_the_broker_is_a_change() -> None:
    live = model()
    live.drain_changes(now_s=0)
    live.set_broker(connected=True)
    update = live.drain_changes(now_s=0)
    assert update is not None
    assert update.broker is True
    assert live.snapshot(now_s=0).broker is True


def test_memory_does_not_grow_with_the_length_of_the_night() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker, blocks=310, samples=1000)  # more than the ring holds
    live.drain_changes(now_s=0)
    tracemalloc.start()
    add_blocks(live, maker, blocks=60, samples=1000)
    live.drain_changes(now_s=0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000
    curves = live.snapshot(now_s=0).sensors["cw"].coarse
    assert sum(curve.n for curve in curves) == 3000


def test_a_flood_of_sensors_episodes_and_notices_is_bounded() -> None:
    live, maker = model(), foot()
    for number in range(100):
        apply(live, Leaf.STATE, Foot(f"cw{number}", start_ns=NOW_NS).state("rest"))
    for number in range(200):
        apply(live, Leaf.NOTICE, msgspec.structs.replace(maker.notice("cramp", "!"), id=str(number)))
    book = NightEpisodes()
    base = maker.episode("a", EpisodeKind.TWITCH)
    for number in range(5600):
        book.add(msgspec.structs.replace(base, id=str(number), onset_ns=NOW_NS + number))
    assert len(live.sensors) == 32
    assert len(live.snapshot(now_s=0).notices) == 50
    assert len(book) <= 5000
    assert book.newest(1)[0].id == "5599"


def test_features_hold_until_the_next_and_missing_ones_stay_missing() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker, blocks=30)
    features = maker.features(steps=3)
    holed = msgspec.structs.replace(features.channels[0], envelope=(1.0, None, 3.0))
    apply(live, Leaf.FEATURES, msgspec.structs.replace(features, channels=(holed, features.channels[1])))
    (curve,) = live.snapshot(now_s=0).sensors["cw"].features
    counts = np.frombuffer(base64.b64decode(curve.data), "<i2").reshape(curve.n, 2, 3)
    assert curve.n == 3
    assert counts[1, 0, 0] == -32768
    assert (counts[[0, 2], 0, 0] * curve.scale).round(2).tolist() == [1.0, 3.0]


def test_the_newest_two_hundred_episodes_are_shown_and_all_are_counted() -> None:
    live, maker = model(), foot()
    base = maker.episode("a", EpisodeKind.TWITCH)
    live.add_history((_at(base, number) for number in range(300)), [])
    snapshot = live.snapshot(now_s=0)
    assert len(snapshot.episodes) == 200
    assert snapshot.counts == {"twitch": 300}


def _at(base: Episode, number: int) -> Episode:
    return msgspec.structs.replace(base, id=str(number), onset_ns=NOW_NS + number)


def collector(*, online: bool) -> ServiceStatus:
    return ServiceStatus(
        sensor="_collector", t_ns=NOW_NS, origin=Origin.LIVE, online=online, service="collector", version="1"
    )


def is_reached(live: LiveModel) -> tuple[bool, bool]:
    """Return whether the sensor is shown as connected, and as online."""
    sensor = live.snapshot(now_s=0).sensors["cw"]
    assert sensor.link is not None
    assert sensor.status is not None
    return sensor.link.connected, sensor.status.online


def test_no_sensor_is_connected_to_a_collector_that_was_killed() -> None:
    live, maker = model(), foot()
    online = ServiceStatus(sensor="cw", t_ns=NOW_NS, origin=Origin.DEMO, online=True, service="sensor")
    apply(live, Leaf.STATUS, collector(online=True))
    apply(live, Leaf.STATUS, online)
    apply(live, Leaf.LINK, maker.link())
    assert is_reached(live) == (True, True)
    live.drain_changes(now_s=0)
    apply(live, Leaf.STATUS, collector(online=False))  # its last will: it had no time to report its sensors as lost
    assert is_reached(live) == (False, False)
    update = live.drain_changes(now_s=0)
    assert update is not None
    assert update.sensors["cw"].link is not None  # open pages receive it too
    apply(live, Leaf.STATUS, online)  # retained by the broker, delivered again after a reconnection
    assert is_reached(live) == (False, False)
    apply(live, Leaf.STATUS, collector(online=True))
    assert is_reached(live) == (False, False)  # until the new collector has reached it
    apply(live, Leaf.LINK, maker.link())
    apply(live, Leaf.STATUS, online)
    assert is_reached(live) == (True, True)


def test_five_thousand_episodes_are_held_then_the_oldest_tenth_goes() -> None:
    episodes = NightEpisodes()
    base = foot().episode("a", EpisodeKind.TWITCH)
    for number in range(5000):
        episodes.add(_at(base, number))
    assert len(episodes) == 5000
    episodes.add(_at(base, 5000))
    assert len(episodes) == 4501
    assert episodes.newest(5000)[0].id == "500"


def test_an_episode_that_ends_at_noon_or_later_stays() -> None:
    episodes = NightEpisodes()
    base = foot().episode("a", EpisodeKind.TWITCH)
    for name, end_ns in (("before", NOW_NS - 1), ("at", NOW_NS), ("open", None)):
        onset_ns = NOW_NS if end_ns is None else NOW_NS - 10
        episodes.add(msgspec.structs.replace(base, id=name, onset_ns=onset_ns, offset_ns=end_ns))
    episodes.discard_before(NOW_NS)
    assert {episode.id for episode in episodes.newest(9)} == {"at", "open"}


def test_a_flood_of_services_is_bounded() -> None:
    live = model()
    for number in range(40):
        status = ServiceStatus(sensor=f"_s{number}", t_ns=NOW_NS, origin=Origin.LIVE, online=True, service=f"s{number}")
        live.apply(service_topic(f"s{number}"), encode(status), now_s=0)
    assert len(live.snapshot(now_s=0).services) == 32


def test_the_oldest_notice_goes_first() -> None:
    live, maker = model(), foot()
    for number in range(51):
        notice = msgspec.structs.replace(maker.notice("cramp", "!"), id=str(number), t_ns=NOW_NS + number)
        apply(live, Leaf.NOTICE, notice)
    assert [notice.id for notice in live.snapshot(now_s=0).notices] == [str(number) for number in range(1, 51)]


@pytest.mark.parametrize(("shift_ns", "hours"), [(-1, 24), (0, 0)])
def test_a_night_starts_at_noon_sharp(shift_ns: int, hours: int) -> None:
    noon_ns = NOW_NS // (24 * HOUR_NS) * 24 * HOUR_NS + 12 * HOUR_NS
    assert night_start_ns(noon_ns + shift_ns, 0) == noon_ns - hours * HOUR_NS


def test_an_episode_that_ended_before_the_night_is_not_shown() -> None:
    live, maker = model(), foot()
    for name, end_ns in (("before", live.night_ns - 1), ("at", live.night_ns)):
        base = maker.episode(name, status="closed", lasts_s=1)
        apply(live, Leaf.EPISODE, msgspec.structs.replace(base, onset_ns=live.night_ns - 10, offset_ns=end_ns))
    assert [episode.id for episode in live.snapshot(now_s=0).episodes] == ["cw-at"]


def test_features_from_far_back_restart_the_curves() -> None:
    live, maker = model(), foot()
    add_blocks(live, maker, blocks=30)
    apply(live, Leaf.FEATURES, maker.features())
    live.drain_changes(now_s=0)
    maker.start_ns -= HOUR_NS
    features = maker.features()
    apply(live, Leaf.FEATURES, features)
    update = live.drain_changes(now_s=0)
    assert update is not None
    assert update.sensors["cw"].reset
    (curve,) = update.sensors["cw"].features
    assert curve.at == features.t_ns // 100_000_000
