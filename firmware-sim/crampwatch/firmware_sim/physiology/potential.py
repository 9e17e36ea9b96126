"""Surface potentials of motor units: from the action potential of a fibre to the voltage between two electrodes.

The action potential of a fibre (Rosenfalck 1969, Acta Physiol Scand Suppl 321) travels in both directions from the
end-plate to the tendons. Its transmembrane current, the second derivative of the potential along the fibre, is a
tripole. Where the fibre ends the current is truncated in such a way that its sum stays zero (Farina & Merletti 2001,
IEEE Trans Biomed Eng 48:637); that gives the non-propagating end-of-fibre potential, which is all that a distant
electrode picks up. The tissue is modelled as an infinite homogeneous conductor, so a potential falls with 1/distance:
potentials of deep and of neighbouring units are smaller, slower and blunter, and crosstalk follows without further
assumptions.

By partial integration, a tripole current seen through 1/r equals the slope of the action potential seen through the
potential of a dipole; so the potential over the distance travelled is a convolution of the two.
"""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats
from scipy.signal import fftconvolve

__all__ = ["STEP_MM", "Electrodes", "Fibres", "distance_potentials"]

STEP_MM = 0.5
"""Spatial resolution along the fibre."""
_ACTION_POTENTIAL_MM = 20.0
"""Length along the fibre after which the action potential has decayed."""


@dataclass(frozen=True, slots=True)
class Electrodes:
    """Bipolar pairs on the skin, along the fibres.

    Attributes:
        lateral_mm: Position of each pair across the fibres, shape (channels,).
        along_mm: Distance of the middle of each pair from the end-plates, shape (channels,).
        spacing_mm: Distance between the two electrodes of a pair.
    """

    lateral_mm: Floats
    along_mm: Floats
    spacing_mm: float


@dataclass(frozen=True, slots=True)
class Fibres:
    """The fibres of motor units, as one line per unit; arrays of shape (units,).

    Attributes:
        lateral_mm: Position across the fibres.
        depth_mm: Distance below the skin.
        endplate_mm: Position of the end-plates along the fibre, around 0.
        proximal_mm: Length from the end-plate to one tendon.
        distal_mm: Length from the end-plate to the other tendon.
    """

    lateral_mm: Floats
    depth_mm: Floats
    endplate_mm: Floats
    proximal_mm: Floats
    distal_mm: Floats


def distance_potentials(fibres: Fibres, electrodes: Electrodes) -> Floats:
    """Return the potential of each unit at each pair, over the distance that its action potential has travelled.

    Returns:
        Arbitrary units, shape (units, channels, steps of `STEP_MM`).
    """
    reach_mm = float(max(fibres.proximal_mm.max(), fibres.distal_mm.max()))
    travelled_mm = np.arange(0.0, reach_mm + STEP_MM, STEP_MM)
    weight = np.zeros((fibres.depth_mm.size, electrodes.lateral_mm.size, travelled_mm.size))
    for length_mm, direction in ((fibres.distal_mm, 1.0), (fibres.proximal_mm, -1.0)):
        inside = travelled_mm[None, None, :] <= length_mm[:, None, None]
        weight += inside * direction * _dipole_potential(fibres, electrodes, direction * travelled_mm)
    return np.asarray(fftconvolve(weight, _action_potential_slope()[None, None, :], axes=2)) * STEP_MM


def _dipole_potential(fibres: Fibres, electrodes: Electrodes, along_mm: Floats) -> Floats:
    """Return the voltage at each pair of a unit dipole at each place along the fibres of each unit."""
    across_mm = fibres.lateral_mm[:, None] - electrodes.lateral_mm[None, :]
    radius2 = (across_mm**2 + fibres.depth_mm[:, None] ** 2)[:, :, None]
    place_mm = fibres.endplate_mm[:, None, None] + along_mm[None, None, :]
    view = np.zeros(np.broadcast_shapes(radius2.shape, place_mm.shape))
    for side in (0.5, -0.5):
        electrode_mm = electrodes.along_mm + side * electrodes.spacing_mm
        x = electrode_mm[None, :, None] - place_mm
        view += np.sign(side) * x / (x**2 + radius2) ** 1.5
    return view


def _action_potential_slope() -> Floats:
    """Return the slope along the fibre of Rosenfalck's 96 z^3 exp(-z) mV, with z in mm behind the wave front."""
    z = np.arange(0.0, _ACTION_POTENTIAL_MM, STEP_MM)
    return np.asarray(96.0 * (3 * z**2 - z**3) * np.exp(-z))
