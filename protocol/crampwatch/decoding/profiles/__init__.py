"""Sensor profiles, one module per kind of sensor; :mod:`crampwatch.decoding.profiles.profile` says how to write one."""

from typing import Final

from crampwatch.decoding.profiles.cws import CWS
from crampwatch.decoding.profiles.profile import Profile
from crampwatch.protocol.errors import RecordingError

__all__ = ["PROFILES", "Profile", "find_profile"]

PROFILES: Final[dict[str, Profile]] = {CWS.name: CWS}
"""Every profile by its name in session files; a new one gets a line here."""


def find_profile(name: str) -> Profile:
    """Return the profile of a name, as it is stored in session files.

    Raises:
        RecordingError: This version has no such profile.
    """
    if name not in PROFILES:
        raise RecordingError(
            f"The session has a sensor of profile {name!r}; this version has the profiles {', '.join(PROFILES)}.",
            advice="Update crampwatch.",
        )
    return PROFILES[name]
