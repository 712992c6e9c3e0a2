"""Which lines of large log groups a command needs."""

import argparse

from lumitrace.reassembly.sources.cloudwatch.cold import Cold
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.cloudwatch.ways import Asked


def asked(arguments: argparse.Namespace) -> Asked:
    """Return how the log groups that *arguments* name are to be read."""
    money = Money(arguments.budget_usd, arguments.usd_per_gb)
    question = Cold.lines if arguments.command == "why" else Cold.everything
    return Asked(arguments.by, question, money)
