"""The register of the kinds of hops, and what several of them send."""

NOTHING = "nothing in the event names the sender"
KEY = "the sender's line would hold the key"
NO_MESSAGE = "the item has no id of its own; without a mark nothing in the record names the writer"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
NEW_ID = "a redriven message is a new one: it keeps its attributes, not its id"

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
