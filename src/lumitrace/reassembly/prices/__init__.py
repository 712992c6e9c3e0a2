"""What AWS asks for: each price with its date, its region and its source. All can be overridden."""
