"""Small files of the page's server in the data folder: written atomically, readable by their owner only."""

import logging
import secrets
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from crampwatch.bus.endpoint import write_private
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["access_token", "load", "save"]

_TOKEN_BYTES: Final = 18
"""144 random bits, 24 characters: short enough to type on a phone once."""
Value = TypeVar("Value")
_log: Final = logging.getLogger(__name__)


def load(path: Path, kind: type[Value], default: Value) -> Value:
    """Return the value in a JSON file; ``default`` if there is no file, or it cannot be read, which is logged.

    The page must start at night even if its settings are damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return default
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read, using the defaults: %s", path, error)
        return default


def save(path: Path, value: object) -> None:
    """Write a value to a JSON file.

    Raises:
        UnavailableError: The file cannot be written.
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
    """Return the password of the page from a file; on first use it is generated and written there.

    Raises:
        ConfigurationError: The file is damaged.
        UnavailableError: The file cannot be written.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, str])["web_token"]
    except FileNotFoundError:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise ConfigurationError(
            f"The page's password in {path} cannot be read: {error!r}.",
            advice="Remove the file; a new password is then generated.",
        ) from error
    try:
        write_private(path, f'# Password for logging in to the page from other machines.\nweb_token = "{token}"\n')
    except OSError as error:
        raise UnavailableError(
            f"The page's password cannot be written to {path}: {error.strerror or error}.",
            advice="Check permissions and free space.",
        ) from error
    return token
