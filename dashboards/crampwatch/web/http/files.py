"""Small things the page's server keeps in the data folder: written at once or not at all, readable by their owner."""

import logging
import secrets
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from crampwatch.bus.endpoint import write_private
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["access_token", "load", "save"]

_TOKEN_OCTETS: Final = 18
"""144 random bits, 24 characters: short enough to type on a phone once."""
Kept = TypeVar("Kept")
_log: Final = logging.getLogger(__name__)


def load(path: Path, kind: type[Kept], otherwise: Kept) -> Kept:
    """Read what was kept; ``otherwise`` where nothing was, or it cannot be read, which is logged.

    A page must come up in the night even when its settings were damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return otherwise
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read, so the defaults hold: %s", path, error)
        return otherwise


def save(path: Path, value: object) -> None:
    """Keep a value.

    Raises:
        UnavailableError: The folder cannot be written to.
    """
    text = msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, text)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror or error}.", advice="Check permissions and free space."
        ) from error


def access_token(path: Path) -> str:
    """Return the secret visitors log in with: made once, kept in a file that only its owner may read.

    Raises:
        ConfigurationError: The file is there but not as we write it.
        UnavailableError: It cannot be written.
    """
    try:
        kept = msgspec.toml.decode(path.read_bytes(), type=dict[str, str])
        return kept["web_token"]
    except FileNotFoundError:
        token = secrets.token_urlsafe(_TOKEN_OCTETS)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise ConfigurationError(
            f"The page's secret in {path} cannot be read: {error!r}.", advice="Remove the file; a new one is made."
        ) from error
    try:
        write_private(path, f'# What other machines log in to the page with.\nweb_token = "{token}"\n')
    except OSError as error:
        raise UnavailableError(
            f"The page's secret cannot be written to {path}: {error.strerror or error}.",
            advice="Check permissions and free space.",
        ) from error
    return token
