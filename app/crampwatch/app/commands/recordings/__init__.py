"""Commands about recordings: detect, measure, replay, simulate, list, export, analyse, import."""
