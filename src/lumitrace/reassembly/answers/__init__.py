"""Transactions in, plain data out: each answer is a dictionary that JSON can spell."""
