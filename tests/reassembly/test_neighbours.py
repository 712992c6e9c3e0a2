"""What other libraries of a function leave in its log, and in what it sends."""

import json


def test_a_message_that_another_tracer_marked_leads_back_to_its_sender(night, log_file, answer):
    """The receiver's parent is a span of no log line; the sender names it."""
    theirs, marked = night.trace(), night.span()
    shop = night.begin("shop", 0, trigger="api-gateway-rest", route="POST /sales")
    keys = ["sns:m-1", f"w3c:{theirs}-{marked}"]
    rare = {"notInjected": "own-traceparent"}
    publish = [night.span(), "sns.Publish", "sales", 1000, 2000, 200, keys, rare]
    night.end(shop, 9, began=0, lasted=8, calls=[publish])
    joined = {"trace": theirs, "parentSpanId": marked}
    told = night.begin("confirm", 20, trigger="sns", source="sales", kind="CONSUMER", **joined)
    night.end(told, 29, began=20, lasted=8)

    _, shown = answer("show", shop.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["shop", "confirm"]
    assert shown["transaction"]["entry"] == "POST /sales"
    assert [span["witness"] for span in shown["spans"] if span["name"] == "confirm"] == ["link key"]


def test_a_batch_with_such_messages_leads_back_too(night, log_file, answer):
    """Its links are contexts as well."""
    theirs, marked = night.trace(), night.span()
    shop = night.begin("shop", 0, trigger="api-gateway-rest", route="POST /sales")
    send = [night.span(), "sqs.SendMessage", "q", 1000, 2000, 200, [f"w3c:{theirs}-{marked}"]]
    night.end(shop, 9, began=0, lasted=8, calls=[send])
    links = [[theirs, marked], [night.trace(), night.span()]]
    told = night.begin("ship", 20, trigger="sqs", source="q", kind="CONSUMER", links=links)
    night.end(told, 29, began=20, lasted=8)

    _, shown = answer("show", shop.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["shop", "ship"]


def test_an_application_line_with_our_ids_is_the_line_it_was(night, log_file, answer):
    """The ids in Lambda's JSON log format make no span of it; the request id joins it."""
    shop = night.begin("shop", 0, trigger="api-gateway-rest", route="POST /sales")
    said = {"timestamp": "2026-11-21T02:00:00Z", "level": "INFO", "message": "Sale s-1"}
    named = {"logger": "root", "requestId": shop.request}
    ids = {"traceId": shop.trace, "spanId": shop.span}
    night.say("shop", "s1", 2, json.dumps(said | named))
    night.say("shop", "s1", 3, json.dumps(said | named | ids))
    night.say("shop", "s1", 4, json.dumps(said | named | {"traceId": "", "spanId": ""}))
    night.end(shop, 9, began=0, lasted=8)

    _, shown = answer("show", shop.trace, night.write(log_file))

    assert len(shown["spans"]) == 1
    lines = [line["message"] for line in shown["logs"] if "Sale s-1" in line["message"]]
    assert lines == ["[INFO] Sale s-1"] * 3
