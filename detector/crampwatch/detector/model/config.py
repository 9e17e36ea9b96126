"""What may be tuned about detection, each value with its reason."""

from dataclasses import dataclass

__all__ = ["DetectorConfig"]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Thresholds of the detector.

    Ratios are of power over the resting floor; physical values hold where the scale is known.

    Attributes:
        false_onset_probability: Chance that a bin of resting Gaussian noise begins an episode; a night has 3 million
            bins.
        least_onset_ratio: Power over the floor that begins an episode, however quiet the noise.
        hold_ratio: Power over the floor that keeps an episode going.
        least_floor_uv: No electrode rests below this; DOMAIN: the quietest real floors are 0.55 uV.
        least_cramp_uv: RMS below which a contraction is not called a cramp: induced foot cramps peak at 14-48 uV.
        least_peak_uv: Deviation below which nothing is an episode: real single units reach 14-27 uV, AASM asks for 8
            uV.
        twitch_s: Longest twitch; AASM leg movements begin at 0.5 s.
        confirm_s: Earliest age at which an episode may be confirmed as a cramp.
        least_cramp_s: A cramp that ended sooner was not one; the shortest seen, under nerve block, lasted 2.6 s, in
            life 10 s.
        merge_s: Silence that ends an episode; AASM ends a leg movement after 0.5 s.
        join_s: Channels that begin within this time of each other take part in the same episode.
        crosstalk_share: Amplitude, as a share of the strongest channel's, below which a second channel tells nothing
            new.
        tail_share: Amplitude, as a share of the largest within 4 s, below which an episode is over: the tail of a
            jerk of
            1 mV is not activity of its own.
        merge_cramp_s: Silence that ends a cramp, which ends unit by unit.
        bridge_s: Missing signal that an episode may live through.
        confirm_score: Log odds at which a sustained contraction is called a cramp.
        revoke_score: Log odds below which one called a cramp is not any more.
        revoke_old_score: The same once it has lasted 12 s, far below: a cramp that lets go is seen by its last units,
            which look like anything.
        final_score: Log odds, from all looks and from how it let go, at which one that is over is called a cramp.
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
