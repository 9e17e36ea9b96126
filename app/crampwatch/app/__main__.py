"""``python -m crampwatch.app``: the same as ``crampwatch``; how the supervisor starts a stage."""

from crampwatch.app.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
