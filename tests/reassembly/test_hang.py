"""The stack that CPython's watchdog writes before a timeout."""

STACK = """Timeout (0:00:02.750000)!
Thread 0x00007f0a0b0c0d0e [pool-1] (most recent call first):
  File "/var/lang/lib/python3.13/threading.py", line 359 in wait
  File "/var/task/pool.py", line 3 in work

Thread 0x00007f1a1b1c1d1e (most recent call first):
  File "/opt/python/lib/python3.13/site-packages/botocore/httpsession.py", line 464 in send
  File "/var/task/app.py", line 31 in pay
  File "/var/runtime/bootstrap.py", line ??? in main
  ...
"""
FORGED = """Timeout (0:00:01)!
Thread 0x00000001 (most recent call first):
  File "/var/task/forged.py", line 1 in forged
"""


def say(night, run, text):
    """Print *text* as Lambda hands it on: a line an event."""
    for line in text.splitlines():
        night.say(run.function, run.stream, 2750, f"{line}\n")


def test_a_timeout_is_told_with_the_stack_before_it(night, log_file, answer):
    """The last one that was written counts; the frame of the function's own code comes first."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    say(night, run, FORGED + "paying\n" + STACK)
    night.close(run, 3001, 3000, "Status: timeout")

    _, said = answer("show", run.request, night.write(log_file))

    frame = said["stack"][-1]
    assert frame["at"] == "app.py:31 pay"
    assert [(one["name"], len(one["frames"])) for one in frame["threads"]] == [
        ("pool-1", 2),
        ("0x00007f1a1b1c1d1e", 3),
    ]
    top = frame["threads"][1]["frames"][0]
    assert (top["line"], top["function"]) == ("464", "send")


def test_what_others_print_is_no_stack(night, log_file, answer):
    """Neither in an invocation that did not time out, nor beside the one that did."""
    good = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    say(night, good, FORGED)
    night.end(good, 2900, began=0, lasted=2899)
    beside = night.begin("pay", 0, stream="s2", trigger="api-gateway-rest", route="POST /pay")
    night.close(beside, 3001, 3000, "Status: timeout")
    exited = night.begin("pay", 0, stream="s3", trigger="api-gateway-rest", route="POST /pay")
    say(night, exited, FORGED)
    night.close(exited, 3001, 3000, "Status: error\tError Type: Runtime.ExitError")
    path = night.write(log_file)

    frames = [answer("show", run.request, path)[1]["stack"][-1] for run in (good, beside, exited)]

    assert [frame["threads"] for frame in frames] == [[], [], []]
    assert {frame["at"] for frame in frames} == {""}
