"""What the collector knows of each kind of sensor. A new device is a new module here, and a line in `PROFILES`."""

from typing import Final

from crampwatch.decoding.profiles.cws import CWS
from crampwatch.decoding.profiles.profile import Profile
from crampwatch.protocol.errors import RecordingError

__all__ = ["PROFILES", "Profile", "find_profile"]

PROFILES: Final[dict[str, Profile]] = {CWS.name: CWS}


def find_profile(name: str) -> Profile:
    """Return a profile.

    Raises:
        RecordingError: This version has no such profile.
    """
    if name not in PROFILES:
        raise RecordingError(
            f"The session has a sensor of profile {name!r}; known are {', '.join(PROFILES)}.",
            advice="Update crampwatch.",
        )
    return PROFILES[name]
