"""The same function runs bare and traced, and nobody outside can tell which is which."""
