"""Why an episode was judged as it was: a code and a number for programs and other languages, a sentence for people.

Readers show the sentence of their own language for a code they know, and the English one that comes with the message
for any other, so a detector may learn new reasons without anybody losing a word.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

__all__ = ["Reason", "ReasonCode"]


class ReasonCode(StrEnum):
    """What can be said for or against a verdict."""

    SCALE_UNKNOWN = "scale_unknown"
    LASTS = "lasts"
    """For so many seconds until now."""
    LASTED = "lasted"
    """So many seconds."""
    TOO_EARLY = "too_early"
    HEART = "heart"
    """So many beats a minute."""
    EVEN_BURSTS = "even_bursts"
    """So many a second."""
    MAINS = "mains"
    LOOSE = "loose"
    BRIEF = "brief"
    TOO_SHORT = "too_short"
    COMES_AND_GOES = "comes_and_goes"
    """So many times a second."""
    WEAK = "weak"
    """At so many microvolts."""
    FAINT = "faint"
    ONE_CHANNEL = "one_channel"
    OTHERS_QUIET = "others_quiet"
    OTHERS_ALONG = "others_along"
    STILL = "still"
    MOVED = "moved"
    BUILT_UP = "built_up"
    """Over so many seconds."""
    AT_ONCE = "at_once"
    BEGINNING_UNSEEN = "beginning_unseen"
    FLUTTERS = "flutters"
    EVEN = "even"
    LIKE_NOISE = "like_noise"
    HELD = "held"
    """For so many seconds."""
    LET_GO = "let_go"
    """Within so many seconds."""
    EBBED = "ebbed"
    """Over so many seconds."""
    ENDED_AT_ONCE = "ended_at_once"
    """Within so many seconds."""
    OWN_EFFORT = "own_effort"
    """So many percent of the wearer's own hardest effort, by a personal calibration."""


_SENTENCES: Final[dict[str, str]] = {
    ReasonCode.SCALE_UNKNOWN: "The scale of this recording is unknown: judged relative to its own resting level.",
    ReasonCode.LASTS: "It has lasted {:.1f} s so far.",
    ReasonCode.LASTED: "It lasted {:.1f} s.",
    ReasonCode.TOO_EARLY: "Too early to tell.",
    ReasonCode.HEART: "The same brief wave comes {:.0f} times a minute: the heart, heard by the electrode.",
    ReasonCode.EVEN_BURSTS: "Like bursts come back evenly, {:.1f} times a second.",
    ReasonCode.MAINS: "The change is at the mains frequency and its harmonics.",
    ReasonCode.LOOSE: "Most of it is slower than muscle: the electrode or its cable moved.",
    ReasonCode.BRIEF: "So brief a burst is a twitch or jerk.",
    ReasonCode.TOO_SHORT: "Too short for a cramp, as long as a leg movement.",
    ReasonCode.COMES_AND_GOES: "It comes and goes {:.1f} times a second and rests in between.",
    ReasonCode.WEAK: "At {:.1f} µV it is weaker than cramps are.",
    ReasonCode.FAINT: "It hardly stands out from rest.",
    ReasonCode.ONE_CHANNEL: "With one channel one cannot see whether other muscles join in.",
    ReasonCode.OTHERS_QUIET: "The other muscles stay quiet.",
    ReasonCode.OTHERS_ALONG: "Other muscles work along, as in a movement.",
    ReasonCode.STILL: "The foot lay still as it began.",
    ReasonCode.MOVED: "The electrodes moved as it began, as when a foot is moved.",
    ReasonCode.BUILT_UP: "It built up over {:.1f} s.",
    ReasonCode.AT_ONCE: "It was there at once and wanes, as a movement does.",
    ReasonCode.BEGINNING_UNSEEN: "The signal was missing as it began.",
    ReasonCode.FLUTTERS: "Its strength flutters, as when a muscle fires by itself.",
    ReasonCode.EVEN: "It is held evenly, as by will.",
    ReasonCode.LIKE_NOISE: "It is steadier than a muscle can be, as when an electrode's contact gets worse.",
    ReasonCode.HELD: "It has held for {:.0f} s without letting go.",
    ReasonCode.LET_GO: "In {:.0f} s it has let go in between.",
    ReasonCode.EBBED: "It ebbed away over {:.1f} s.",
    ReasonCode.ENDED_AT_ONCE: "It was let go within {:.1f} s, as by will.",
    ReasonCode.OWN_EFFORT: "It reaches {:.0f} % of your own hardest effort.",
}


class Reason(Struct, frozen=True, kw_only=True):
    """One reason.

    Attributes:
        code: What is said: a `ReasonCode`, or one that a newer detector knows.
        number: How much, in the code's unit, where its sentence holds a number.
    """

    code: Annotated[str, Meta(min_length=1, max_length=60)]
    number: float | None = None

    @property
    def text(self) -> str:
        """The sentence, in English; empty for a code that this version does not know.

        >>> Reason(code=ReasonCode.LASTED, number=4.24).text
        'It lasted 4.2 s.'
        """
        sentence = _SENTENCES.get(self.code, "")
        return sentence if self.number is None else sentence.format(self.number)
