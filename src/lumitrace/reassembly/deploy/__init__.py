"""What goes into an account."""
