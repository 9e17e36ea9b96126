"""Numbers in sentences: plurals, lengths of time, and likely cramps first."""

import pytest
from crampwatch.app.cli.wording import count_text, episode_counts_text, kind_text, length_text
from crampwatch.protocol.kinds import EpisodeKind


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.5, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (3629, "1 h 0 min"),
        (3631, "1 h 1 min"),
        (25_866, "7 h 11 min"),
    ],
)
def test_a_length_has_the_two_units_that_matter(seconds: float, text: str) -> None:
    assert length_text(seconds) == text


def test_one_is_singular_and_everything_else_plural() -> None:
    assert [count_text(number, "session") for number in (0, 1, 2)] == ["0 sessions", "1 session", "2 sessions"]
    assert count_text(2, "twitch", "twitches") == "2 twitches"


def test_cramps_are_named_first_even_without_any_and_always_as_likely() -> None:
    assert episode_counts_text({"artefact": 60, "cramp": 2, "leg_movement": 1}, 25_866) == (
        "2 likely cramps in 7 h 11 min (1 leg movement, 60 noisy sections)"
    )
    assert episode_counts_text({"twitch": 1}) == "no likely cramps (1 twitch)"
    assert episode_counts_text({"cramp": 1, "twitch": 0}, 8.2) == "1 likely cramp in 8.2 s"


def test_every_kind_has_a_name() -> None:
    assert all("_" not in kind_text(kind) for kind in EpisodeKind)
    assert kind_text("cramp") == "likely cramp"
    assert kind_text("some_new_kind") == "some new kind"
