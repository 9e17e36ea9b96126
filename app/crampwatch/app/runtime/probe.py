"""``python -m crampwatch.app.runtime.probe``: health check of the service in the same container, for Docker.

Ends with 0 where it is well, else with 1 and its words.
"""

import http.client
import os
import sys
from typing import Final

__all__ = ["main"]

_PATIENCE_S: Final = 4.0


def main() -> int:
    """Ask the service at CRAMPWATCH_OPS_PORT."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("CRAMPWATCH_OPS_PORT", "9464")), timeout=_PATIENCE_S
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        words = answer.read().decode("utf-8", "replace")
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{words}\n")
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    raise SystemExit(main())
