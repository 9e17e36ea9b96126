"""`crampwatch doctor`: checks of this machine and of the stages that run."""
