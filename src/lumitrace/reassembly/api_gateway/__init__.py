"""Requests of API Gateway, from its access logs: those that reached a function, and the others."""
