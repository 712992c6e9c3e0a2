"""Texts with their secrets masked: what is assigned to a secret's name, and what looks like one.

Loaded when the first text is to be masked. A text is read once, from the left to the right, and
what is masked is not read again: the time it takes is linear in its length.
"""

import re

from lumitrace.capture import secret
from lumitrace.capture.redact import MASK

SCHEMES = frozenset(("apikey", "basic", "bearer", "negotiate", "ntlm", "token"))
# Of several parts: https://www.rfc-editor.org/rfc/rfc7616#section-3.4
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
LONG_SCHEMES = frozenset(("aws4-hmac-sha256", "digest"))
SEPARATORS = " \t\r\n=:,;&?\"'()[]{}<>|\\"
_CLASS = re.escape(SEPARATORS)
RUN = re.compile(rf"[^{_CLASS}]+|[{_CLASS}]+")
# What stands between a name and its value: the name's closing quote, = or :, how the value opens.
ASSIGNED = re.compile(r"[^:=]*[:=][:=>]*[ \t]*(\\*[\"'])?([\[{(])?")
PLAIN = re.compile(r"[^\s&;,\"')\]}<>]*")
LINE = re.compile(r"[^\r\n]*")
LINE_IN_QUOTES = re.compile(r"[^\r\n\"']*")
INSIDE = {
    '"': re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL),
    "'": re.compile(r"(?:[^'\\]|\\.)*", re.DOTALL),
}
BRACKET = re.compile(r"[\[\]{}()]")


def masked(text: str) -> str:
    """Return *text* with its secrets masked."""
    text = secret.without_users(secret.without_keys(text))
    return secret.without_cards(_without_assigned(text))


def whole_words(text: str, size: int) -> str:
    """Return the first *size* characters of *text*, less a word of which the end is not in them."""
    if len(text) <= size:
        return text
    text = text[:size]
    last = max(map(text.rfind, SEPARATORS))
    return text[: last + 1]


def _without_assigned(text: str) -> str:
    if not ("=" in text or ":" in text or secret.LOOKS.search(text) or "earer" in text.lower()):
        return text
    told: list[str] = []
    at = 0
    name = before = ""
    while (run := RUN.match(text, at)) is not None:
        word, at = run[0], run.end()
        if word[0] not in SEPARATORS:
            name, before = _named(before, word, name), word
            looks = secret.LOOKS.search(word)
            told.append(word[: looks.start()] + MASK if looks else word)
            continue
        assigned = ASSIGNED.match(word) if name else None
        if assigned is not None:
            start = run.start() + assigned.end()
            shown, end = _value(text, start, name, assigned[1] or "", assigned[2] or "")
        elif name.lower() == "bearer" and word.isspace():
            start = at
            shown, end = "", _end(PLAIN, text, at)
        else:
            told.append(word)
            name = name if word.isspace() else ""
            continue
        told += (text[run.start() : start], shown, MASK if end > start + len(shown) else "")
        name, at = "", end
    return "".join(told)


def _named(before: str, word: str, name: str) -> str:
    """Return *word* where it is a secret's name, or the end of one: ``api key``."""
    if secret.is_secret(word):
        return word
    ends_one = word.lower() in ("key", "value") and (name or secret.is_secret(before + word))
    return word if ends_one else ""


def _value(text: str, at: int, name: str, quote: str, bracket: str) -> tuple[str, int]:
    """Return what is shown of the value that begins at *at*, a scheme, and where it ends."""
    if bracket:
        return "", _closed(text, at)
    if quote.startswith("\\"):
        return "", (text.find(quote, at) + 1 or len(text) + 1) - 1
    if quote or "cookie" in name.lower():
        return "", _end(INSIDE.get(quote, LINE_IN_QUOTES), text, at)
    end = _end(PLAIN, text, at)
    scheme = text[at:end].lower()
    if scheme in LONG_SCHEMES:
        return text[at:end], _end(LINE, text, end)
    if scheme in SCHEMES and text[end : end + 1] == " ":
        return text[at : end + 1], _end(PLAIN, text, end + 1)
    return "", end


def _end(pattern: "re.Pattern[str]", text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _closed(text: str, at: int) -> int:
    """Return where the bracket closes that was opened before *at*; the end where it never does."""
    depth = 1
    for bracket in BRACKET.finditer(text, at):
        depth += 1 if bracket[0] in "[{(" else -1
        if depth == 0:
            return bracket.start()
    return len(text)
