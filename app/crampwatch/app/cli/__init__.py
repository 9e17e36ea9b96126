"""The command line itself: entry point, options, exit codes, tables and progress."""
