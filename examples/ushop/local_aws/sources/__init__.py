"""What brings events to functions: one file a service."""
