"""The subset of SAM that the stage plays: Ushop's own template, and what it says to others."""

from pathlib import Path

import pytest

from local_aws.stage import USHOP
from local_aws.template import Template, TemplateError

FUNCTION = """
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Handler: one.handler
      CodeUri: ./
"""


@pytest.fixture
def read(tmp_path):
    """Return what reads a template from text."""

    def read(text):
        path = tmp_path / "template.yaml"
        path.write_text(text, encoding="utf-8")
        return Template(path, account="123456789012", region="us-east-1")

    return read


def test_ushop_has_nine_functions_whose_files_a_reader_takes_in_at_once():
    """Each is at most 60 lines long, and its handler is where the template says."""
    template = Template(USHOP, account="123456789012", region="us-east-1")
    for table in ("CatalogTable", "PointsTable", "SalesTable", "StockTable"):
        template.learn(table, table, StreamArn="stream")
    for resource in ("ClickStream", "ReceiptsBucket", "ServerlessHttpApi"):
        template.learn(resource, resource, Arn="arn")
    template.learn("NewSalesTopic", "topic")
    template.learn("ShippingQueue", "queue", Arn="queue")

    functions = template.functions()

    assert sorted(function.name for function in functions) == [
        "ushop_clickstream",
        "ushop_loyalty",
        "ushop_new-sale-processing",
        "ushop_price-check",
        "ushop_receipt-archive",
        "ushop_receipt-email",
        "ushop_sale-analytics",
        "ushop_sale-confirmations",
        "ushop_shipping-worker",
    ]
    for function in functions:
        code = Path(function.code, f"{function.handler.split('.')[0]}.py").read_text(
            encoding="utf-8"
        )
        assert len(code.splitlines()) <= 60
        assert "@traced\ndef handler(event, context):" in code


def test_what_a_function_does_not_say_the_globals_and_lambdas_defaults_say(read):
    """Its own word comes first, then Globals, then what Lambda takes."""
    template = read(
        "Globals: {Function: {MemorySize: 512, Environment: {Variables: {A: 1}}}}" + FUNCTION
    )

    [function] = template.functions()

    assert (function.name, function.memory_mb, function.timeout_s) == ("One", 512, 3.0)
    assert (function.max_retries, function.environment) == (2, {"A": "1"})


def test_references_are_answered_in_both_forms(read):
    """!Ref, !GetAtt and !Sub, short and long."""
    template = read(FUNCTION)
    template.learn("Queue", "url", Arn="arn")

    told = template.resolve(
        [
            {"Ref": "Queue"},
            {"Fn::GetAtt": ["Queue", "Arn"]},
            {"Fn::GetAtt": "Queue.Arn"},
            {"Fn::Sub": "<${Queue}>"},
        ]
    )

    assert told == ["url", "arn", "arn", "<url>"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Resources: {B: {Type: 'AWS::EFS::FileSystem'}}",
            "B: AWS::EFS::FileSystem is not played here, only AWS::Serv",
        ),
        ("Nothing: here", "it has no Resources"),
        ("Resources: [", "cannot be read"),
    ],
)
def test_a_template_that_cannot_be_played_is_refused_at_once(read, text, message):
    """The message names what stands in the way."""
    with pytest.raises(TemplateError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("      Layers: [x]\n", "One: the properties Layers are not played here"),
        ("      FunctionName: !Join ['', [a, b]]\n", "Fn::Join is not played here"),
        (
            "      Description: !Ref Nobody\n      FunctionName: !Ref Nobody\n",
            "nothing in the template answers to Nobody",
        ),
        ("      Events: {A: {Type: MSK}}\n", "One: MSK events are not played here, only Api, Ht"),
    ],
)
def test_a_function_that_cannot_be_played_is_refused(read, more, message):
    """Nothing is left out in silence."""
    template = read(FUNCTION + more)

    with pytest.raises(TemplateError, match=message):
        template.functions()


def test_a_function_without_a_handler_is_refused(read):
    """The message names the property."""
    template = read(FUNCTION.replace("Handler: one.handler", "Timeout: 3"))

    with pytest.raises(TemplateError, match="One lacks the property 'Handler'"):
        template.functions()


def test_a_template_that_is_not_there_is_refused(tmp_path):
    """The message names the file."""
    with pytest.raises(TemplateError, match=r"nowhere\.yaml cannot be read"):
        Template(tmp_path / "nowhere.yaml", account="123456789012", region="us-east-1")
