"""Write the JSON schema of each MQTT leaf beside this file: ``python docs/schema/regenerate.py``."""

import json
from pathlib import Path

from crampwatch.protocol.messages import json_schemas


def main() -> None:
    """Write all files; a test compares them with the code."""
    for leaf, schema in json_schemas().items():
        text = json.dumps(schema, indent=2, sort_keys=True)
        Path(__file__).with_name(f"{leaf}.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
