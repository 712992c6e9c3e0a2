"""Spans into transactions: one text of SQL, and what runs it."""
