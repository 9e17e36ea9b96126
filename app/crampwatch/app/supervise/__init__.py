"""`demo`, `wear` and `replay`: starts every stage as a child process, restarts it, ends it, and reports to the user."""
