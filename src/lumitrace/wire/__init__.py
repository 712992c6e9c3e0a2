"""What leaves the process and is read back: contexts, span lines, link keys, names.

Imports no other wing; the standard library alone.
"""
