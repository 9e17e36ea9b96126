"""``python -m crampwatch.app``: the same as ``crampwatch``. The supervisor starts stages this way."""

from crampwatch.app.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
