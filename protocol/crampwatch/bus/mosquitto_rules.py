"""Formats users and their rights for Mosquitto's access control and password files. Pure but for the random salt.

Formats: mosquitto.conf(5), ``acl_file`` and ``password_file``; the hash is the one of mosquitto_passwd 2
(PBKDF2 with SHA-512).
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

from crampwatch.bus.roles import User, rights_of

__all__ = ["format_access_file", "format_password_file"]

_ROUNDS: Final = 101
"""The default of mosquitto_passwd. Our passwords have 192 random bits, which more rounds would not make safer."""
_SALT_BYTES: Final = 12


def format_access_file(users: Iterable[User]) -> str:
    """Return the content of an ``acl_file``: whatever it does not allow is refused."""
    return "# Written by crampwatch.\n" + "".join(_rules(user) for user in users)


def format_password_file(users: Iterable[User]) -> str:
    """Return the content of a ``password_file``, which holds hashes of the passwords."""
    return "".join(f"{user.name}:{_hash(user.password, secrets.token_bytes(_SALT_BYTES))}\n" for user in users)


def _rules(user: User) -> str:
    rights = rights_of(user)
    lines = [f"user {user.name}"]
    lines += [f"topic deny {one}" for one in rights.never_publishes]
    lines += [f"topic write {one}" for one in rights.publishes]
    lines += [f"topic read {one}" for one in rights.reads]
    return "\n".join(["", *lines, ""])


def _hash(password: str, salt: bytes) -> str:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
