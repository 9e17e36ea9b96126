"""The MQTT discovery message of a sensor: one device with all its entities in one retained message. Pure.

The format is described at https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload; Home Assistant
supports it since 2024.12. All entities of a device read one topic, so that Home Assistant needs access to nothing else
on the broker.
"""

from typing import Any, Final

import msgspec
from crampwatch.bus.roles import HOME_ROOT
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import SensorInfo
from crampwatch.protocol.topics import service_topic

__all__ = ["BIRTH_TOPIC", "discovery_message", "discovery_topic", "state_topic"]

BIRTH_TOPIC: Final = "homeassistant/status"
"""Home Assistant publishes ``online`` here after its start; discovery messages are then to be published again."""
_PREFIX: Final = "homeassistant"
_SIDE_NAMES: Final = {"left": "left foot", "right": "right foot", "unknown": "foot"}
_STATES: Final = ["rest", "active", "cramp", "poor_signal", "off_body", "no_data"]


def discovery_topic(sensor: str) -> str:
    """Return the topic of a sensor's discovery message."""
    return f"{_PREFIX}/device/crampwatch-{sensor}/config"


def state_topic(sensor: str) -> str:
    """Return the topic of a sensor's state."""
    return f"{HOME_ROOT}/{sensor}"


def discovery_message(info: SensorInfo, *, version: str) -> bytes:
    """Return the discovery message of a sensor; `version` is that of crampwatch."""
    identity = f"crampwatch-{info.sensor}"
    device = {
        "identifiers": [identity],
        "name": _device_name(info),
        "manufacturer": "crampwatch",
        "model": info.profile,
        "serial_number": info.sensor,
    }
    if info.firmware:
        device["sw_version"] = info.firmware
    return msgspec.json.encode(
        {
            "device": device,
            "origin": {"name": "crampwatch", "sw_version": version},
            "components": {
                key: {"unique_id": f"{identity}-{key}", **component} for key, component in _entity_configs(info).items()
            },
            "state_topic": state_topic(info.sensor),
            "qos": 1,
            **_availability_config(info.sensor, needs_sensor=True),
        }
    )


def _device_name(info: SensorInfo) -> str:
    """Return the name of the device, which also says if the data is not of a real night."""
    marks = {Origin.DEMO: " (simulated)", Origin.REPLAY: " (replay)"}
    return f"{info.name}, {_SIDE_NAMES[info.placement.side]}{marks.get(info.origin, '')}"


def _entity_configs(info: SensorInfo) -> dict[str, dict[str, Any]]:
    diagnostic = {"entity_category": "diagnostic", **_availability_config(info.sensor, needs_sensor=False)}
    return {
        "contraction": {
            "platform": "binary_sensor",
            "name": "Likely cramp",
            "icon": "mdi:foot-print",
            "value_template": "{{ value_json.contraction }}",
        },
        "state": {
            "platform": "sensor",
            "name": "State",
            "device_class": "enum",
            "options": _STATES,
            "value_template": "{{ value_json.state }}",
        },
        "temperature": {
            "platform": "sensor",
            "name": "Skin temperature",
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "suggested_display_precision": 1,
            "value_template": "{{ value_json.temperature }}",
        },
        "episodes_tonight": {
            "platform": "sensor",
            "name": "Likely cramps tonight",
            "icon": "mdi:counter",
            "state_class": "total_increasing",
            "value_template": "{{ value_json.episodes_tonight }}",
            **_availability_config(info.sensor, needs_sensor=False),
        },
        "battery": {
            "platform": "sensor",
            "name": "Battery",
            "device_class": "battery",
            "state_class": "measurement",
            "unit_of_measurement": "%",
            "value_template": "{{ value_json.battery }}",
            **diagnostic,
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "value_template": "{{ value_json.problem }}",
            "json_attributes_topic": state_topic(info.sensor),
            "json_attributes_template": "{{ {'why': value_json.problem_why} | tojson }}",
            **diagnostic,
        },
    }


def _availability_config(sensor: str, *, needs_sensor: bool) -> dict[str, Any]:
    """Return when an entity is available: while this service is online and, if it needs the sensor, the sensor too."""
    service = {
        "topic": str(service_topic("home")),
        "value_template": "{{ 'online' if value_json.online else 'offline' }}",
    }
    sensor_online = {"topic": state_topic(sensor), "value_template": "{{ value_json.sensor }}"}
    return {"availability_mode": "all", "availability": [service, sensor_online] if needs_sensor else [service]}
