"""Durable functions: what is seen of an execution that took several invocations."""

from lumitrace.reassembly.cli import main as lumitrace


def test_an_invocation_that_waits_is_told_as_suspended(night, log_file, answer, capsys):
    """Both invocations are one transaction; it is well, and the first one says that it waits."""
    key = "durable:arn:aws:lambda:eu-west-1:123456789012:function:returns:7/durable-execution/a/b"
    said = {"trigger": "durable", "source": "returns", "linkIn": [key]}
    first = night.begin("returns", 0, **said)
    night.end(first, 9, began=0, lasted=8, suspended=True)
    second = night.begin("returns", 5000, trace=first.trace, **said)
    night.end(second, 5009, began=5000, lasted=8)
    path = night.write(log_file)

    _, shown = answer("show", first.request, path)
    assert lumitrace(["show", first.request, path]) == 0

    assert shown["transaction"]["state"] == "ok"
    assert [span["suspended"] for span in shown["spans"]] == [True, False]
    assert capsys.readouterr().out.count("suspended, goes on later") == 1
