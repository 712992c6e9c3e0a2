"""What was read, kept by the hour in one folder, and answers from it."""
