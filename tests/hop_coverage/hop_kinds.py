"""The register of the kinds of hops, and what several of them send."""

NOTHING = "nothing in the event names the sender"
KEY = "the sender's line would hold the key"
NO_MESSAGE = "the item has no id of its own; without a mark nothing in the record names the writer"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
NEW_ID = "a redriven message is a new one: it keeps its attributes, not its id"

MODES = ("not injected", "injected", "sender without lines", "receiver without lines")
EXACT = ("context", "context (proved)", "link key")
KINDS = {}  # by name: (play, reason, untraceable)


def kind(*, reason=NOTHING, untraceable=False):
    """Register a kind of hop, named by its docstring; *reason* is why it is not exact."""

    def register(play):
        KINDS[play.__doc__.rstrip(".")] = (play, reason, untraceable)
        return play

    return register


def publish(stage):
    """Publish one message; return what was sent."""
    stage.xray()
    stage.send(lambda: stage.client("sns").publish(TopicArn=stage.aws.topic, Message="hi"))
    return stage.aws.sent[-1]


def send_message(stage):
    """Send one message; return what was sent and its id."""
    body = {"QueueUrl": stage.aws.queue, "MessageBody": "hi"}
    stage.send(lambda: stage.client("sqs").send_message(**body))
    return stage.aws.sent[-1], f"sqs-{len(stage.aws.sent)}"


def notification(stage):
    """Return the SNS notification that a queue gets as a body."""
    message = stage.aws.deliver_sns(publish(stage), "sns-1")["Records"][0]["Sns"]
    return {"Type": "Notification", **message}


def outcomes(stage, name):
    """Return how the hop *name* is joined in each mode, in words."""
    said = {mode: played(stage, name, mode) for mode in MODES}
    without, injected, sender, receiver = said.values()
    return [*_with_reasons([injected, without, sender], KINDS[name][1]), receiver]


def played(stage, name, mode):
    """Return how the hop *name* is joined in one *mode*, in words, without a reason."""
    if mode.endswith("injected"):  # the others read again what was injected
        stage.begin(mode)
        KINDS[name][0](stage)
    rest = stage.joined(mode)
    worst = next((one for one in rest if one not in EXACT), rest[0])
    if worst in EXACT:
        return f"exact, {worst}"
    if worst.startswith("X-Ray"):
        return "likely, X-Ray root"
    return worst if worst.startswith("its ") else "impossible"


def _with_reasons(said, reason):
    """Say why once a row; an exact hop by a key needs the line that holds the key."""
    if "impossible" in said[:2]:
        said[said.index("impossible")] += f": {reason}"
    elif said[2] == "impossible":
        said[2] += f": {KEY if reason == NOTHING else reason}"
    return said
