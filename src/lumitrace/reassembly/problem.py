"""What went wrong, said to a person: one sentence that ends in what to do next."""

FAILURE = 1
MISUSE = 2
DECORATE = "decorate the handler with @lumitrace.traced, or give the logs of functions that have it"


class Problem(Exception):  # noqa: N818  # it is a sentence for a person, not a fault of the code
    """Ends a command with one sentence on standard error.

    Attributes:
        sentence: what was being done, what was found, what to do next.
        exit_code: 2 where the command was called wrongly, 1 otherwise.
        denied: AWS did not allow it.
    """

    def __init__(self, sentence: str, exit_code: int = FAILURE, *, denied: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code
        self.denied = denied
