"""InfluxDB line protocol: one point for each line, times in nanoseconds.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

import math
from collections.abc import Mapping
from typing import Final

from crampwatch.store.model.points import Value

__all__ = ["format_point", "format_series_key"]

# A backslash cannot be written at the end of a name, so that names never contain one.
_NAME_ESCAPES: Final = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\ ", "\r": r"\ ", "\\": "/"})
_TEXT_ESCAPES: Final = str.maketrans({'"': r"\"", "\\": "\\\\", "\r": " "})


def format_point(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value], t_ns: int) -> str:
    r"""Return a point as one line without its end; empty if no field can be written.

    Numbers that are not finite are left out, as line protocol has no way to write them.

    >>> format_point("temperature", {"sensor": "left foot"}, {"celsius": 31.5, "n": 2}, 17)
    'temperature,sensor=left\\ foot celsius=31.5,n=2i 17'
    """
    written = [f"{_escape_name(name)}={text}" for name, value in fields.items() if (text := _format_value(value))]
    if not written:
        return ""
    return f"{format_series_key(measurement, tags)} {','.join(written)} {t_ns}"


def format_series_key(measurement: str, tags: Mapping[str, str]) -> str:
    """Return the part of a line that identifies the series; tags with an empty value are left out."""
    return _escape_name(measurement) + "".join(
        f",{_escape_name(name)}={_escape_name(value)}" for name, value in sorted(tags.items()) if value
    )


def _escape_name(text: str) -> str:
    return text.translate(_NAME_ESCAPES)


def _format_value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}i" if -(1 << 63) <= value < 1 << 63 else ""
        case float():
            return repr(value) if math.isfinite(value) else ""
        case str():
            return f'"{value.translate(_TEXT_ESCAPES)}"'
