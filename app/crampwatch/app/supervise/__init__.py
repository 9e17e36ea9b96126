"""Running the stages as child processes: what to start, when to restart it, what the person sees."""
