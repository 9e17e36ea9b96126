"""Bonds on disk: the keys of paired sensors, and the identity that this adapter presents to them."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.keys import JsonKeyStore
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["AdapterIdentity", "BondStore", "load_identity"]

_IDENTITY = "adapter"


@dataclass(frozen=True, slots=True)
class AdapterIdentity:
    """What sensors recognise this adapter by; a bond is only valid as long as it stays the same.

    Attributes:
        static_address: Used if the controller has no public address.
        irk: Identity resolving key, 16 bytes.
    """

    static_address: hci.Address
    irk: bytes

    @classmethod
    def new(cls) -> "AdapterIdentity":
        """Return a new random identity."""
        return cls(hci.Address.generate_static_address(), secrets.token_bytes(16))


class BondStore(JsonKeyStore):
    """Bumble's key file, readable by its owner only.

    Args:
        namespace: The adapter's address.
        path: The file; its folder is created when the first bond is stored.
    """

    def __init__(self, namespace: str, path: Path) -> None:
        super().__init__(namespace, str(path))

    async def save(self, db: dict[str, dict[str, dict[str, Any]]]) -> None:
        """Replace the file atomically."""
        _write_file(Path(self.filename), db)


def load_identity(path: Path) -> AdapterIdentity:
    """Return the identity stored beside the bonds; create one the first time.

    Raises:
        ConfigurationError: The file is damaged.
        UnavailableError: The file cannot be read or written.
    """
    try:
        db = _read_file(path)
        stored = db.get(_IDENTITY)
        if stored is not None:
            return AdapterIdentity(
                hci.Address(stored["address"], hci.Address.RANDOM_DEVICE_ADDRESS), bytes.fromhex(stored["irk"])
            )
        identity = AdapterIdentity.new()
        db[_IDENTITY] = {"address": identity.static_address.to_string(False), "irk": identity.irk.hex()}
        _write_file(path, db)
    except OSError as error:
        raise UnavailableError(
            f"The bonds in {path} cannot be read or written: {error.strerror or error}.",
            advice="Check the folder's permissions and the free space of the disk.",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"The bonds in {path} are damaged: {error}.", advice="Move the file away and pair the sensors again."
        ) from error
    return identity


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    db = json.loads(path.read_text("utf-8"))
    if not isinstance(db, dict):
        raise TypeError(f"expected a JSON object, found {type(db).__name__}")
    return db


def _write_file(path: Path, db: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".tmp")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
        json.dump(db, output, sort_keys=True, indent=2)
        output.flush()
        os.fsync(output.fileno())
    scratch.replace(path)
