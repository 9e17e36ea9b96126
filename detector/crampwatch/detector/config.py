"""What may be tuned about detection, each value with its reason."""

from dataclasses import dataclass

__all__ = ["DetectorConfig"]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Thresholds of the detector. Ratios are of power over the resting floor; physical values hold where the scale is
    known.

    Attributes:
        false_onset_probability: Chance that a bin of resting Gaussian noise begins an episode; a night has 3 million
            bins.
        least_onset_ratio: Power over the floor that begins an episode, however quiet the noise.
        hold_ratio: Power over the floor that keeps an episode going.
        least_floor_uv: No electrode rests below this; DOMAIN: the quietest real floors are 0.55 uV.
        least_cramp_uv: RMS below which a contraction is not called a cramp: induced foot cramps peak at 14-48 uV.
        least_movement_uv: AASM: a leg movement rises 8 uV over rest; its RMS is about 0.6 of that.
        twitch_s: Longest twitch; AASM leg movements begin at 0.5 s.
        confirm_s: Earliest age at which an episode may be confirmed as a cramp.
        least_cramp_s: A cramp that ended sooner was not one; the shortest seen, under nerve block, lasted 2.6 s, in
            life 10 s.
        merge_s: Silence that ends an episode; AASM ends a leg movement after 0.5 s.
        merge_cramp_s: Silence that ends a cramp, which ends unit by unit.
        bridge_s: Missing signal that an episode may live through.
        confirm_score: Log odds at which a sustained contraction is called a cramp.
    """

    false_onset_probability: float = 1e-7
    least_onset_ratio: float = 4.0
    hold_ratio: float = 2.0
    least_floor_uv: float = 0.5
    least_cramp_uv: float = 4.0
    least_movement_uv: float = 2.0
    twitch_s: float = 0.6
    confirm_s: float = 2.4
    least_cramp_s: float = 6.0
    merge_s: float = 0.5
    merge_cramp_s: float = 2.5
    bridge_s: float = 2.0
    confirm_score: float = 0.0
