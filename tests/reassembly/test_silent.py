"""Functions that write no span lines: what Lambda's own lines of them are joined to."""

LEGACY = "legacy-mailer"


def till(night, *keys, began=0, operation="lambda.Invoke"):
    """Write a function that calls another; AWS answered it *keys*."""
    run = night.begin("till", began, trigger="api-gateway-rest", route="POST /sales")
    call = [night.span(), operation, LEGACY, 1000, 20_000, 200, list(keys)]
    night.end(run, began + 40, began=began, lasted=30, calls=[call], tags={"saleId": "s-1"})
    return run


def legacy(night, ms, request=None, *, function=LEGACY, report="", said=""):
    """Write Lambda's lines of an invocation of a function without span lines."""
    request = request or night.request()
    night.say(function, "s1", ms, f"START RequestId: {request} Version: $LATEST\n")
    if said:
        night.say(function, "s1", ms + 1, said.format(request))
    night.say(function, "s1", ms + 5, f"END RequestId: {request}\n")
    tail = f"Duration: 4.50 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\t{report}\n"
    night.say(function, "s1", ms + 5, f"REPORT RequestId: {request}\t{tail}")
    return request


def test_an_invoked_function_is_joined_by_the_id_in_its_start_line(night, log_file, answer):
    """Invoke's request id is the callee's: exact, below its call, with its log lines."""
    request = legacy(night, 10, said="mail sent\n")
    legacy(night, 20)
    run = till(night, f"lambda:{request}")
    path = night.write(log_file)

    _, shown = answer("show", run.trace, path)

    [silent] = [span for span in shown["spans"] if span["name"] == LEGACY and span["silent"]]
    assert (silent["witness"], silent["depth"]) == ("link key", 2)
    assert (silent["requestId"], silent["durationUs"]) == (request, 4500)
    assert "mail sent" in [line["message"] for line in shown["logs"]]
    assert {line["requestId"] for line in shown["logs"]} == {run.request, request}


def test_other_invocations_of_it_are_nobodys(night, log_file, answer, command):
    """The function is told as one without span lines; what nobody names is no transaction."""
    request = legacy(night, 10)
    stranger = legacy(night, 20)
    till(night, f"lambda:{request}")
    path = night.write(log_file)

    _, listed = answer("transactions", path)
    seen = answer("why", path)[1]["seen"]

    assert [row["functions"] for row in listed["transactions"]] == [["till", LEGACY]]
    assert seen["withoutSpanLines"] == [LEGACY]
    assert answer("show", stranger, path)[1]["transaction"] is None
    assert "writes no span lines" in command("show", request, path).stdout.decode()


def test_what_it_failed_with_counts(night, log_file, answer):
    """An asynchronous Invoke, three attempts of one request id, each killed."""
    request = night.request()
    for ms in (10, 70_000, 200_000):
        timeout = "2026-11-21T02:00:00.000Z {} Task timed out after 3.00 seconds\n\n"
        legacy(night, ms, request, said=timeout, report="Status: timeout")
    run = till(night, f"lambda:{request}")
    night.events = [
        event | {"message": event["message"].replace(",200,", ",202,")} for event in night.events
    ]
    path = night.write(log_file)

    _, shown = answer("show", run.trace, path)
    _, said = answer("why", path)

    attempts = [span for span in shown["spans"] if span["silent"]]
    assert [span["attempt"] for span in attempts] == ["1/3", "2/3", "3/3"]
    assert {span["failure"]["type"] for span in attempts} == {"Sandbox.Timedout"}
    assert {span["stopped"] for span in attempts} == {""}
    assert (said["impact"]["lost"], said["cause"]["function"]) == (1, LEGACY)


def test_a_host_cannot_claim_an_invocation_of_long_ago(night, log_file, answer):
    """Whoever answers an HTTP call with its request id: it did not begin during the call."""
    request = legacy(night, 10)
    run = till(night, f"lambda:{request}", began=60_000, operation="http.GET")

    _, shown = answer("show", run.trace, night.write(log_file))

    assert shown["transaction"]["functions"] == ["till"]


def test_a_destination_names_a_function_without_span_lines(night, log_file, answer):
    """What the destination's record speaks of is known by its START line; it comes first."""
    request = legacy(night, 10, report="Status: error\tError Type: Runtime.ExitError")
    run = night.begin("rescue", 100, trigger="destination", linkIn=[f"destination:{request}"])
    night.end(run, 105, began=100, lasted=4)

    _, shown = answer("show", run.trace, night.write(log_file))

    spans = [(span["name"], span["depth"], span["witness"]) for span in shown["spans"]]
    assert spans == [(LEGACY, 0, ""), ("rescue", 1, "link key")]


def test_the_same_lines_twice_are_one_invocation(night, log_file, answer):
    """The stream was read under two names."""
    request = legacy(night, 10)
    run = till(night, f"lambda:{request}")
    again = [
        event | {"logStreamName": "s1 (copy)"}
        for event in night.events
        if event["logGroupName"].endswith(LEGACY)
    ]
    night.events += again

    _, shown = answer("show", run.trace, night.write(log_file))

    assert sum(span["silent"] for span in shown["spans"]) == 1


def test_one_that_was_killed_joins_a_caller_that_is_told_in_sums(night, log_file, answer):
    """Neither is sampled: the sums keep the request id, so that whose it was is known.

    Nobody waited for it: where the caller waits, its call has failed and has a line of its own.
    """
    request = legacy(night, 10, report="Status: timeout")
    run = night.begin("till", 0, trigger="api-gateway-rest", route="POST /sales")
    del night.events[-1]  # the start line is not written
    told = [["lambda.Invoke", LEGACY, 1, 20_000, [f"lambda:{request}"]]]
    more = {"trigger": "api-gateway-rest", "tags": {"saleId": "s-1"}, "detail": False}
    night.end(run, 40, began=0, lasted=30, summary=told, **more)

    _, said = answer("why", night.write(log_file))

    assert said["issue"]["function"] == LEGACY
    assert (said["impact"]["pendingIds"], said["impact"]["withoutSpanLines"]) == (["s-1"], 0)
