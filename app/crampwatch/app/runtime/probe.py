"""``python -m crampwatch.app.runtime.probe``: Docker's health check, run in the container of a service.

Exits with 0 if the service is healthy, otherwise with 1; prints the service's answer.
"""

import http.client
import os
import sys
from typing import Final

__all__ = ["main"]

_TIMEOUT_S: Final = 4.0
"""Below the 6 s that docker-compose.yml allows for a check."""


def main() -> int:
    """Request ``/healthz`` at the port CRAMPWATCH_OPS_PORT; return the exit code."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("CRAMPWATCH_OPS_PORT", "9464")), timeout=_TIMEOUT_S
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{text}\n")
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    raise SystemExit(main())
