"""What is a secret, by its name or by its look.

Every step is linear in the text: no pattern goes back over what it has read.
"""

import re

from lumitrace.capture.config import settings
from lumitrace.capture.redact import MASK

# A name that holds one of these, in whatever case and with whatever between its words, is a
# secret's. "key" and "pass" alone are not here: monkeys and passengers are no secrets.
NAMES = (
    *("authorization", "cookie", "password", "passwd", "passphrase", "passcode", "pwd", "secret"),
    *("token", "apikey", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey"),
    *("masterkey", "sharedkey", "authkey", "sshkey", "session", "credential", "signature"),
    *("bearer", "jwt", "assertion", "samlresponse", "csrf", "xsrf", "connectionstring"),
    "mnemonic",
)
# Too short to be looked for inside other names.
WHOLE = frozenset(
    ("auth", "cvc", "cvv", "cvv2", "mfa", "otp", "pat", "pin", "pw", "sid", "sig", "ssn", "totp")
)
# What begins so is a credential: AWS access keys, JSON web tokens, tokens of GitHub, GitLab, Slack,
# Stripe, Google, SendGrid, npm, PyPI, Hugging Face and Shopify.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
LOOKS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{4}|eyJ|gh[opsur]_|github_pat_|glpat-|xox[abeprs]-"
    r"|xapp-|[rs]k_(?:live|test)_|whsec_|AIza|ya29\.|SG\.|npm_|pypi-|hf_|shp(?:at|ss)_)"
)
# https://www.iso.org/standard/70484.html: the number of a card has 19 digits at most
CARD = re.compile(r"(?<![\dA-Za-z.])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\dA-Za-z])")
MIN_CARD, MAX_CARD = 13, 19  # digits
AUTHORITY = re.compile(r"[^\s\"'<>]*")
QUERY = re.compile(r"\?[^\s\"'<>)]*")
BETWEEN = {ord(letter): None for letter in "_-. :/\\[]()%+*#@"}
# https://www.rfc-editor.org/rfc/rfc7468#section-2
BEGIN, END, KEY = "-----BEGIN ", "-----END ", "PRIVATE KEY"
MAX_LABEL = 64  # characters


def is_secret(name: str) -> bool:
    """Tell whether *name*, of a member, a header or a variable, is a secret's."""
    plain = name.lower().translate(BETWEEN)
    return (
        plain in WHOLE
        or any(part in plain for part in NAMES)
        or any(part in plain for part in settings.mask)
    )


def without_queries(text: str) -> str:
    """Return *text* with the query of every URL and path in it masked."""
    return QUERY.sub(_query, text) if "?" in text else text


def without_keys(text: str) -> str:
    """Mask private keys as PEM has them; one without an end, up to the end of the text."""
    if BEGIN not in text:
        return text
    first, *rest = text.split(BEGIN)
    told = [first]
    for part in rest:
        if KEY in part[:MAX_LABEL]:
            _, end, after = part.partition(END)
            told.append(MASK + (after.partition("-----")[2] if end else ""))
        else:
            told.append(BEGIN + part)
    return "".join(told)


def without_users(text: str) -> str:
    """Mask who logs in, in URLs: ``postgres://ada:secret@db/sales``."""
    if "://" not in text:
        return text
    first, *rest = text.split("://")
    told = [first]
    for part in rest:
        place = AUTHORITY.match(part)
        span = place[0] if place else ""
        authority = span.partition("/")[0].partition("?")[0].partition("#")[0]
        at = authority.rfind("@")
        if at < 0 and not _is_place(authority):
            at = span.rfind("@")  # a password with a slash in it
        told.append(MASK + part[at:] if at >= 0 else part)
    return "://".join(told)


def without_cards(text: str) -> str:
    """Mask the numbers of cards."""
    return CARD.sub(_card, text)


def _query(match: "re.Match[str]") -> str:
    return f"?{MASK}" if "=" in match[0] else match[0]


def _is_place(authority: str) -> bool:
    """Tell whether *authority* is a host, or a host and a port."""
    port = authority.rpartition(":")[2] if ":" in authority else ""
    return not port or port.isdigit() or authority.endswith("]")


def _card(match: "re.Match[str]") -> str:
    """Mask it where its last digit checks the rest, as ISO/IEC 7812 has it."""
    digits = [int(letter) for letter in match[0] if letter.isdigit()]
    if not MIN_CARD <= len(digits) <= MAX_CARD:
        return match[0]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[-2::-2])
    return MASK if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]
