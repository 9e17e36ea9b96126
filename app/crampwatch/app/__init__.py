"""The command line: settings, the composition of the stages, and the supervisor that keeps them running."""
