"""Numbers in sentences for people: counts with their plural, lengths of time, episodes by kind. Pure."""

from collections.abc import Mapping
from typing import Final

from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["count_text", "episode_counts_text", "kind_text", "length_text"]

_KINDS: Final[dict[str, tuple[str, str]]] = {
    EpisodeKind.CRAMP: ("likely cramp", "likely cramps"),
    EpisodeKind.TWITCH: ("twitch", "twitches"),
    EpisodeKind.LEG_MOVEMENT: ("leg movement", "leg movements"),
    EpisodeKind.MOVEMENT: ("movement", "movements"),
    EpisodeKind.RHYTHMIC: ("rhythmic movement", "rhythmic movements"),
    EpisodeKind.ARTEFACT: ("noisy section", "noisy sections"),
}
"""One and several of each kind, in the order in which they matter to a wearer. "Likely" stays with a cramp: surface EMG
cannot prove that a contraction is involuntary."""


def count_text(count: int, one: str, several: str = "") -> str:
    """Return a number with its noun; `several` is needed where the plural is not `one` with an s.

    >>> count_text(1, "session"), count_text(2, "session"), count_text(0, "file")
    ('1 session', '2 sessions', '0 files')
    """
    return f"{count} {one if count == 1 else several or one + 's'}"


def kind_text(kind: str) -> str:
    """Return what people call one episode of a kind.

    >>> kind_text("leg_movement")
    'leg movement'
    """
    return _KINDS[kind][0] if kind in _KINDS else kind.replace("_", " ")


def episode_counts_text(counts: Mapping[str, int], monitored_s: float | None = None) -> str:
    """Return how many episodes of each kind there were, likely cramps first and always named.

    Args:
        counts: By kind.
        monitored_s: Length of the signal that was searched; left out where None.

    >>> episode_counts_text({"leg_movement": 1, "cramp": 2}, 25_866)
    '2 likely cramps in 7 h 11 min (1 leg movement)'
    >>> episode_counts_text({})
    'no likely cramps'
    """
    cramps = counts.get(EpisodeKind.CRAMP, 0)
    text = count_text(cramps, *_KINDS[EpisodeKind.CRAMP]) if cramps else "no likely cramps"
    if monitored_s is not None:
        text += f" in {length_text(monitored_s)}"
    others = [
        count_text(counts[kind], *nouns)
        for kind, nouns in _KINDS.items()
        if kind != EpisodeKind.CRAMP and counts.get(kind)
    ]
    return f"{text} ({', '.join(others)})" if others else text


def length_text(seconds: float) -> str:
    """Return a length of time in the two units that matter.

    >>> length_text(25_866), length_text(74.2), length_text(8.25)
    ('7 h 11 min', '1 min 14 s', '8.3 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60} min"
