"""Why an episode was classified as it was: a code and a number for programs, a sentence for people.

A reader shows the sentence of its own language for each code it has a translation of, and the English sentence that
comes with the message for any other. So a detector may give new reasons at any time, and older readers still show them.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

__all__ = ["Reason", "ReasonCode"]


class ReasonCode(StrEnum):
    """What speaks for or against a classification; the unit of its number, if it has one, is noted below it."""

    SCALE_UNKNOWN = "scale_unknown"
    LASTS = "lasts"
    """Seconds until now."""
    LASTED = "lasted"
    """Seconds."""
    TOO_EARLY = "too_early"
    HEART = "heart"
    """Beats per minute."""
    EVEN_BURSTS = "even_bursts"
    """Bursts per second."""
    MAINS = "mains"
    LOOSE = "loose"
    BRIEF = "brief"
    TOO_SHORT = "too_short"
    COMES_AND_GOES = "comes_and_goes"
    """Times per second."""
    WEAK = "weak"
    """Microvolts."""
    FAINT = "faint"
    ONE_CHANNEL = "one_channel"
    OTHERS_QUIET = "others_quiet"
    OTHERS_ALONG = "others_along"
    STILL = "still"
    MOVED = "moved"
    BUILT_UP = "built_up"
    """Seconds."""
    AT_ONCE = "at_once"
    BEGINNING_UNSEEN = "beginning_unseen"
    FLUTTERS = "flutters"
    EVEN = "even"
    LIKE_NOISE = "like_noise"
    HELD = "held"
    """Seconds."""
    LET_GO = "let_go"
    """Seconds."""
    EBBED = "ebbed"
    """Seconds."""
    ENDED_AT_ONCE = "ended_at_once"
    """Seconds."""
    OWN_EFFORT = "own_effort"
    """Percent of the wearer's own maximum effort, from a personal calibration."""


_SENTENCES: Final[dict[str, str]] = {
    ReasonCode.SCALE_UNKNOWN: "The recording's scale is unknown, so strength is relative to its own resting level.",
    ReasonCode.LASTS: "It has lasted {:.1f} s so far.",
    ReasonCode.LASTED: "It lasted {:.1f} s.",
    ReasonCode.TOO_EARLY: "It is too early to tell.",
    ReasonCode.HEART: "The same short wave repeats {:.0f} times a minute: the electrode picks up the heartbeat.",
    ReasonCode.EVEN_BURSTS: "Similar bursts repeat regularly, {:.1f} times a second.",
    ReasonCode.MAINS: "The change is at the mains frequency and its harmonics.",
    ReasonCode.LOOSE: "Most of the change is slower than muscle activity: the electrode or its cable moved.",
    ReasonCode.BRIEF: "A burst this short is a twitch or jerk.",
    ReasonCode.TOO_SHORT: "Too short for a cramp, about as long as a leg movement.",
    ReasonCode.COMES_AND_GOES: "It comes and goes {:.1f} times a second, with rest in between.",
    ReasonCode.WEAK: "At {:.1f} µV it is weaker than a cramp.",
    ReasonCode.FAINT: "It is barely above the resting level.",
    ReasonCode.ONE_CHANNEL: "With only one channel, it is unknown whether other muscles joined in.",
    ReasonCode.OTHERS_QUIET: "The other muscles stayed quiet.",
    ReasonCode.OTHERS_ALONG: "Other muscles were active as well, as in a movement.",
    ReasonCode.STILL: "The foot was still when it started.",
    ReasonCode.MOVED: "The electrodes moved when it started, as when the foot is moved.",
    ReasonCode.BUILT_UP: "It built up over {:.1f} s.",
    ReasonCode.AT_ONCE: "Started suddenly and then faded, as a movement does.",
    ReasonCode.BEGINNING_UNSEEN: "The signal was missing when it started.",
    ReasonCode.FLUTTERS: "Strength fluctuates, typical of involuntary firing.",
    ReasonCode.EVEN: "Strength stayed steady, as in a deliberate movement.",
    ReasonCode.LIKE_NOISE: "Steadier than a muscle can be, as when an electrode loses contact.",
    ReasonCode.HELD: "Lasted {:.0f} s without relaxing.",
    ReasonCode.LET_GO: "Relaxed in between during its {:.0f} s.",
    ReasonCode.EBBED: "It faded over {:.1f} s.",
    ReasonCode.ENDED_AT_ONCE: "Ended abruptly (within {:.1f} s), as in a deliberate movement.",
    ReasonCode.OWN_EFFORT: "It reached {:.0f} % of your own maximum effort.",
}


class Reason(Struct, frozen=True, kw_only=True):
    """One reason for or against a classification.

    Attributes:
        code: A `ReasonCode`, or one that a newer detector introduced.
        number: The number in its sentence, in the code's unit; null where the sentence has none.
    """

    code: Annotated[str, Meta(min_length=1, max_length=60)]
    number: float | None = None

    @property
    def text(self) -> str:
        """The sentence, in English; empty for a code that this version has no sentence for.

        >>> Reason(code=ReasonCode.LASTED, number=4.24).text
        'It lasted 4.2 s.'
        """
        sentence = _SENTENCES.get(self.code, "")
        return sentence if self.number is None else sentence.format(self.number)
