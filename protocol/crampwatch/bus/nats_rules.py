"""Users and their rights as the NATS server's configuration wants them. Pure.

Its MQTT layer turns topics into subjects (``/`` to ``.``, ``+`` to ``*``, ``#`` to ``>``) and, for quality of service
1, subscribes in a client's name to ``$MQTT.sub.>``, which a client with an allow list has to be granted
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
    """Return a configuration line for each user, to stand within ``authorization { users: [ ... ] }``."""
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
    # To MQTT, "a/#" is "a" as well: the server subscribes to both.
    levels = [level for one in filters for level in ([one, one.removesuffix("/#")] if one.endswith("/#") else [one])]
    return json.dumps([one.translate(_SUBJECT) for one in levels])
