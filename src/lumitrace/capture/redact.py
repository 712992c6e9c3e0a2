"""What may never be written: secrets in texts, and more of a text than one needs.

Masking comes before cutting, so that no half of a secret is left. Every step is linear.
"""

MAX_MESSAGE = 256  # characters of an error's text
MAX_INPUT = 4096  # characters looked at
MASK = "****"

# A word that begins so is a credential: AWS access keys, GitHub, Slack and Stripe tokens, JSON web
# tokens.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
SECRET_PREFIXES = (
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "github_pat_",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "eyJ",
)
# What follows such a word is one.
SECRET_NAMES = (
    "authorization",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "x-api-key",
    "credential",
    "signature",
    "bearer",
)
SCHEMES = ("basic", "bearer", "digest")
_SEPARATORS = " \t\r\n=:,;&?\"'()[]{}<>|"


def message(text: str) -> str:
    """Return *text* with secrets masked, at most *MAX_MESSAGE* characters of it."""
    text = text[:MAX_INPUT]
    lower = text.lower()
    if any(name in lower for name in SECRET_NAMES) or any(p in text for p in SECRET_PREFIXES):
        text = _masked(text)
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "\u2026"


def _masked(text: str) -> str:
    """Mask credentials in *text*, and what is assigned to a secret's name."""
    result: list[str] = []
    named = armed = False
    for word in _words(text):
        if word[0] in _SEPARATORS:
            armed = armed or (named and ("=" in word or ":" in word))
            result.append(word)
            continue
        lower = word.lower()
        if armed and lower in SCHEMES:
            result.append(word)
            continue
        secret = armed or word.startswith(SECRET_PREFIXES)
        result.append(MASK if secret else word)
        named = any(name in lower for name in SECRET_NAMES)
        armed = lower == "bearer"
    return "".join(result)


def _words(text: str) -> list[str]:
    """Split *text* into runs of separators and runs of everything else, in order."""
    words: list[str] = []
    begin = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or (text[position] in _SEPARATORS) != (text[begin] in _SEPARATORS):
            words.append(text[begin:position])
            begin = position
    return words
