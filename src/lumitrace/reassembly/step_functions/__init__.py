"""Executions of state machines: their histories become spans; tasks name the invocations."""
