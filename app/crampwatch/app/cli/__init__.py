"""The command line: entry point, and what commands share: options, exit codes, wording, tables, progress."""
