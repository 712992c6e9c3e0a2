"""What ``--help`` shows below the options: how a command is called."""

import argparse

from lumitrace.reassembly.problem import FAILURE, MISUSE

EXAMPLES = {
    "lumitrace": (
        "lumitrace why night.jsonl",
        "lumitrace why --log-group '/aws/lambda/shop_*' --since 15m",
        "lumitrace show saleId=628d8a --log-group '/aws/lambda/shop_*'",
    ),
    "lumitrace why": (
        "lumitrace why night.jsonl logs/ s3://my-logs/2026/11/22/02/",
        "lumitrace why --log-group '/aws/lambda/shop_*' --since 15m",
        "lumitrace why --store night --since 2h",
    ),
    "lumitrace show": (
        "lumitrace show saleId=628d8a --log-group '/aws/lambda/shop_*'",
        "lumitrace show d870730998ff night.jsonl",
    ),
    "lumitrace transactions": (
        "lumitrace transactions --failed night.jsonl",
        "lumitrace transactions --log-group '/aws/lambda/shop_*' --limit 10",
    ),
    "lumitrace blame": (
        "lumitrace blame shop_sales saleId=628d8a --log-group '/aws/lambda/shop_*'",
    ),
    "lumitrace fetch": (
        "lumitrace fetch --store night --log-group '/aws/lambda/shop_*' --since 2h",
        "lumitrace fetch --store night --keep forever night.jsonl",
    ),
    "lumitrace functions": ("lumitrace functions --store night --since 16h",),
    "lumitrace issues": ("lumitrace issues --store night --since 2026-11-22T02:30",),
    "lumitrace store": ("lumitrace store info --store night",),
    "lumitrace store info": ("lumitrace store info --store night",),
    "lumitrace store forget": (
        "lumitrace store forget --where customerId=customer-008 --store night",
    ),
    "lumitrace assemble": ("lumitrace assemble logs/ --out tables",),
    "lumitrace setup": (
        "lumitrace setup > template.json",
        "lumitrace setup --apply --notify arn:aws:sns:eu-west-1:123456789012:night",
        "lumitrace setup check --log-group '/aws/lambda/shop_*'",
    ),
    "lumitrace layer": ("lumitrace layer build --python 3.13 --out layer.zip",),
    "lumitrace layer build": ("lumitrace layer build --python 3.13 --out layer.zip",),
    "lumitrace dynamodb": ("lumitrace dynamodb marks shop_sales",),
    "lumitrace dynamodb marks": ("lumitrace dynamodb marks shop_sales --all",),
    "lumitrace dynamodb clean": ("lumitrace dynamodb clean shop_sales --apply",),
}
_CODES = f"""exit codes:
  0    answered, whether or not something failed
  {FAILURE}    no answer, or one that rests on a part of the sources
  {MISUSE}    the command was called wrongly
  130  Ctrl-C"""


def show_examples(parser: argparse.ArgumentParser) -> None:
    """Put the examples below the help of *parser*, and of all its commands."""
    lines = "".join(f"  {line}\n" for line in EXAMPLES.get(parser.prog, ()))
    commands = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]  # noqa: SLF001  # nothing else lists them
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"examples:\n{lines}" if lines else None
    if parser.prog == "lumitrace":
        parser.epilog = f"{parser.epilog}\n{_CODES}\n\nmore: lumitrace COMMAND --help"
    for action in commands:
        for inner in action.choices.values():
            show_examples(inner)
