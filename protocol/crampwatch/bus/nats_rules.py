"""Formats users and their rights for the configuration of the NATS server. Pure.

The server's MQTT layer turns topics into subjects (``/`` to ``.``, ``+`` to ``*``, ``#`` to ``>``). For quality of
service 1 it subscribes to ``$MQTT.sub.>`` on behalf of the client, so a client with an allow list needs that as well
(https://docs.nats.io/running-a-nats-service/configuration/mqtt/mqtt_config).
"""

import json
from collections.abc import Iterable
from typing import Final

from crampwatch.bus.roles import User, rights_of

__all__ = ["format_nats_users"]

_DELIVERY: Final = "$MQTT.sub.>"
_SUBJECT: Final = str.maketrans({"/": ".", "+": "*", "#": ">"})


def format_nats_users(users: Iterable[User]) -> list[str]:
    """Return a configuration line for each user, for ``authorization { users: [ ... ] }``."""
    return [_user(user) for user in users]


def _user(user: User) -> str:
    rights = rights_of(user)
    publish = f"publish: {{ allow: {_subjects(rights.publishes)}, deny: {_subjects(rights.never_publishes)} }}"
    if not rights.publishes:
        publish = 'publish: { deny: [">"] }'
    subscribe = f"subscribe: {{ allow: {_subjects((*rights.reads, _DELIVERY))} }}"
    if not rights.reads:
        subscribe = 'subscribe: { deny: [">"] }'
    login = f"user: {json.dumps(user.name)}, password: {json.dumps(user.password)}"
    return f"{{ {login}, permissions: {{ {publish}, {subscribe} }} }}"


def _subjects(filters: Iterable[str]) -> str:
    # In MQTT, "a/#" includes "a": the server subscribes to both.
    levels = [level for one in filters for level in ([one, one.removesuffix("/#")] if one.endswith("/#") else [one])]
    return json.dumps([one.translate(_SUBJECT) for one in levels])
