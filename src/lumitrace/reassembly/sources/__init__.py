"""Where log lines come from: one file a place. Each yields the same ``LogEvent``."""
