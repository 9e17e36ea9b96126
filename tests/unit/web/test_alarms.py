"""What people may do to alarms, and that it is saved."""

import stat
import tempfile
from pathlib import Path

import pytest
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.web.http.files import access_token, load, save
from crampwatch.web.model.alarms import ALARM_KINDS, MAX_SNOOZE_S, AlarmControl, AlarmState
from crampwatch.web.settings.folder import SettingsFolder
from hypothesis import given
from hypothesis import strategies as st

HOUR_NS = 3_600_000_000_000


def test_a_snooze_is_for_one_kind_and_ends() -> None:
    alarms = AlarmControl()
    alarms.snooze(EpisodeKind.CRAMP, seconds=3600, now_ns=HOUR_NS)
    assert alarms.state.snoozed == {EpisodeKind.CRAMP: 2 * HOUR_NS}
    assert not alarms.expire(now_ns=2 * HOUR_NS - 1)
    assert alarms.expire(now_ns=2 * HOUR_NS)
    assert alarms.state.snoozed == {}


def test_a_snooze_can_be_ended_by_hand() -> None:
    alarms = AlarmControl()
    alarms.snooze(EpisodeKind.CRAMP, seconds=60, now_ns=0)
    alarms.snooze(EpisodeKind.TWITCH, seconds=60, now_ns=0)
    alarms.snooze(EpisodeKind.CRAMP, seconds=0, now_ns=1)
    assert set(alarms.state.snoozed) == {EpisodeKind.TWITCH}


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(EpisodeKind.ARTEFACT, 60), (EpisodeKind.CRAMP, -1), (EpisodeKind.CRAMP, MAX_SNOOZE_S + 1)],
)
def test_faults_cannot_be_snoozed_and_no_snooze_lasts_forever(kind: EpisodeKind, seconds: int) -> None:
    alarms = AlarmControl()
    with pytest.raises(ValueError, match="snooze"):
        alarms.snooze(kind, seconds=seconds, now_ns=0)
    assert alarms.state == AlarmState()


def test_a_fault_has_no_alarm_to_choose() -> None:
    alarms = AlarmControl()
    with pytest.raises(ValueError, match="fault"):
        alarms.choose_kinds([EpisodeKind.ARTEFACT])
    alarms.choose_kinds([EpisodeKind.TWITCH, EpisodeKind.CRAMP, EpisodeKind.CRAMP])
    assert alarms.state.calls == (EpisodeKind.CRAMP, EpisodeKind.TWITCH)


def test_acknowledging_twice_is_harmless_and_memory_is_bounded() -> None:
    alarms = AlarmControl()
    for number in range(500):
        alarms.acknowledge([f"e{number}", f"e{number}"])
    assert len(alarms.state.acknowledged) == 200
    assert alarms.state.acknowledged[-1] == "e499"


def test_a_night_starts_once_and_ends_its_snoozes() -> None:
    alarms = AlarmControl()
    alarms.start_night(now_ns=5)
    alarms.start_night(now_ns=9)
    assert alarms.state.night_ns == 5
    alarms.snooze(EpisodeKind.CRAMP, seconds=60, now_ns=9)
    alarms.end_night()
    assert alarms.state == AlarmState()


_STATES = st.builds(
    AlarmState,
    snoozed=st.dictionaries(st.sampled_from(ALARM_KINDS), st.integers(0, (1 << 62) - 1)),
    acknowledged=st.lists(st.text(min_size=1, max_size=120), max_size=20).map(tuple),
    calls=st.lists(st.sampled_from(ALARM_KINDS), unique=True).map(tuple),
    night_ns=st.none() | st.integers(0, (1 << 62) - 1),
)


@given(_STATES)
def test_the_state_of_the_alarms_survives_the_server(state: AlarmState) -> None:
    with tempfile.TemporaryDirectory() as folder:
        SettingsFolder(Path(folder) / "page").save_alarms(state)
        assert SettingsFolder(Path(folder) / "page").load_alarms() == state


@pytest.mark.parametrize("content", [b"", b"{", b'{"snoozed": 3}', b"\xff\xfe", b"[" * 4000])
def test_damaged_settings_count_as_defaults(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "alarms.json").write_bytes(content)
    assert SettingsFolder(tmp_path).load_alarms() == AlarmState()


def test_saved_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    save(tmp_path / "saved.json", {"a": 1})
    assert stat.S_IMODE((tmp_path / "saved.json").stat().st_mode) == 0o600
    assert load(tmp_path / "saved.json", dict[str, int], {}) == {"a": 1}


def test_the_access_token_is_generated_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    token = access_token(path)
    assert len(token) == 24
    assert access_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_token_file_is_reported_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("web_token = ")
    with pytest.raises(ConfigurationError, match="Remove the file"):
        access_token(tmp_path / "secrets.toml")


def test_a_snooze_may_last_twelve_hours() -> None:
    alarms = AlarmControl()
    alarms.snooze(EpisodeKind.CRAMP, seconds=12 * 3600, now_ns=0)
    assert alarms.state.snoozed == {EpisodeKind.CRAMP: 12 * HOUR_NS}
    with pytest.raises(ValueError, match="0 to 43200 s, not 43201 s"):
        alarms.snooze(EpisodeKind.CRAMP, seconds=12 * 3600 + 1, now_ns=0)


def test_two_hundred_acknowledged_episodes_are_remembered() -> None:
    alarms = AlarmControl()
    alarms.acknowledge(f"e{number}" for number in range(200))
    assert alarms.state.acknowledged[0] == "e0"
    alarms.acknowledge(["e200"])
    assert (alarms.state.acknowledged[0], len(alarms.state.acknowledged)) == ("e1", 200)


def test_every_kind_but_a_noisy_signal_has_an_alarm() -> None:
    assert set(EpisodeKind) - set(ALARM_KINDS) == {EpisodeKind.ARTEFACT}
