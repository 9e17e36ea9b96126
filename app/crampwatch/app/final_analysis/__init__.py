"""The final analysis: a session that has ended is analysed as a whole, and that result replaces the live one."""
