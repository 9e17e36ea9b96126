"""One module a command. Each imports what it needs only when it runs, so that `crampwatch --help` is fast."""
