"""The thresholds of the detector, each with its reason.

Other constants are next to the code that uses them. These are here because they trade missed cramps against
false alarms, and are what tuning and the settings page are about.
"""

from dataclasses import dataclass

__all__ = ["DetectorConfig"]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Thresholds of the detector; checkpoints store them by name.

    Ratios are of power over the resting floor. Values in uV apply only where the scale of the signal is known. AASM is
    the scoring manual of the American Academy of Sleep Medicine.

    Attributes:
        false_onset_probability: Chance that a bin of resting Gaussian noise begins an episode. A night has 3 million
            bins on two channels, so that noise alone gives less than one.
        least_onset_ratio: Power over the floor that begins an episode, however quiet the noise.
        hold_ratio: Power over the floor that holds an episode under way; half of that, since activity is expected.
        least_floor_uv: Lowest floor; the quietest real electrodes rest at 0.55 uV.
        least_cramp_uv: RMS below which a contraction is hardly called a cramp: induced foot cramps peak at 14-48 uV.
        least_peak_uv: Deviation below which nothing begins: real single units reach 14-27 uV, the AASM requires 8 uV.
        twitch_s: Length from which an episode is no twitch; AASM leg movements last 0.5 s and more.
        confirm_s: Age from which an episode may be called a cramp. Earlier, cramps and movements look alike.
        least_cramp_s: Length below which an episode that is over was no cramp: the shortest one known lasted 2.6 s,
            under nerve block, in life 10 s.
        merge_s: Silence that ends an episode; AASM ends a leg movement after 0.5 s.
        join_s: Channels that begin within this time of each other take part in the same episode.
        crosstalk_share: Amplitude, as a share of the strongest channel's, below which what begins on a second channel
            may be crosstalk.
        tail_share: Amplitude, as a share of the largest within 4 s, below which activity is only a tail: the end of a
            jerk of 1 mV is no activity of its own.
        merge_cramp_s: Silence that ends a cramp, which ends unit by unit.
        bridge_s: Time without signal through which an episode goes on.
        confirm_score: Log odds above which a sustained contraction is called a cramp.
        revoke_score: Log odds up to which a reported cramp is withdrawn.
        revoke_old_score: The same once it has lasted 12 s, much lower: only the last units of a fading cramp show,
            which look like anything.
        final_score: Log odds, from all looks and from how it ended, above which an episode that is over is a cramp.
    """

    false_onset_probability: float = 1e-7
    least_onset_ratio: float = 4.0
    hold_ratio: float = 2.0
    least_floor_uv: float = 0.5
    least_cramp_uv: float = 4.0
    least_peak_uv: float = 5.0
    twitch_s: float = 0.6
    confirm_s: float = 2.4
    least_cramp_s: float = 6.0
    merge_s: float = 0.4
    join_s: float = 0.7
    crosstalk_share: float = 0.25
    tail_share: float = 0.2
    merge_cramp_s: float = 2.5
    bridge_s: float = 2.0
    confirm_score: float = 0.4
    revoke_score: float = -2.5
    revoke_old_score: float = -4.6
    final_score: float = 0.6
