"""InfluxDB line protocol: one point a line, times in nanoseconds.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

import math
from collections.abc import Mapping
from typing import Final

from crampwatch.store.model.points import Value

__all__ = ["key", "line"]

_NAME: Final = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\ ", "\r": r"\ ", "\\": "/"})
_TEXT: Final = str.maketrans({'"': r"\"", "\\": "\\\\", "\r": " "})


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value], t_ns: int) -> str:
    r"""Return a point; numbers that are not finite are left out, as they cannot be written.

    Returns:
        The line without its end; empty where no field is left.

    >>> line("temperature", {"sensor": "left foot"}, {"celsius": 31.5, "n": 2}, 17)
    'temperature,sensor=left\\ foot celsius=31.5,n=2i 17'
    """
    written = [f"{_name(name)}={text}" for name, value in fields.items() if (text := _value(value))]
    if not written:
        return ""
    return f"{key(measurement, tags)} {','.join(written)} {t_ns}"


def key(measurement: str, tags: Mapping[str, str]) -> str:
    """Return the part of a line that names the series; tags without a value are left out."""
    return _name(measurement) + "".join(
        f",{_name(name)}={_name(value)}" for name, value in sorted(tags.items()) if value
    )


def _name(text: str) -> str:
    # A backslash cannot be written at the end of a name, so none is written at all.
    return text.translate(_NAME)


def _value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}i" if -(1 << 63) <= value < 1 << 63 else ""
        case float():
            return repr(value) if math.isfinite(value) else ""
        case str():
            return f'"{value.translate(_TEXT)}"'
