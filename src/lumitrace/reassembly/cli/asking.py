"""Which lines of log groups a command needs, and how much of what ran they tell of."""

import argparse

from lumitrace.reassembly.model import LAMBDA
from lumitrace.reassembly.read import Where
from lumitrace.reassembly.sources.cloudwatch.cold import Cold
from lumitrace.reassembly.sources.cloudwatch.coverage import coverage
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.cloudwatch.ways import Asked
from lumitrace.reassembly.stream import LAMBDA_GROUP
from lumitrace.reassembly.transaction import Assembled


def asked(arguments: argparse.Namespace) -> Asked:
    """Return how the log groups that *arguments* name are to be read."""
    money = Money(arguments.budget_usd, arguments.usd_per_gb)
    question = Cold.lines if arguments.command == "why" else Cold.everything
    return Asked(arguments.by, question, money)


def covered(where: Where, assembled: Assembled) -> dict[str, int] | str:
    """Return what AWS counted of the functions that were read, or ``unknown``."""
    groups = {one for one in where.asked.groups if one.startswith(LAMBDA_GROUP)}
    functions = {one.removeprefix(LAMBDA_GROUP) for one in groups}
    functions |= {
        one.function
        for one in assembled.attempts
        if one.service == LAMBDA and one.group not in groups
    }
    money = where.asked.money
    return coverage(where.account.each(), functions, assembled, where.window, money)
