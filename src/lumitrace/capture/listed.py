"""Settings that are lists, read where one is set: most functions set none."""

from lumitrace.capture.variables import MODES, NONE

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*")
MIN_KEY = 16  # bytes
HOST_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.:*")


def tables(value: str, wrong: list[str]) -> tuple[tuple[str, str], ...]:
    """Return the patterns and modes in *value*; one that is wrong is left out and told."""
    found = []
    for pair in filter(None, map(str.strip, value.split(","))):
        pattern, _, mode = (part.strip() for part in pair.partition("="))
        if pattern and TABLE_LETTERS.issuperset(pattern) and mode in MODES:
            found.append((pattern, mode))
        else:
            wrong.append(
                "LUMITRACE_DYNAMODB_TABLES is not understood in part, takes table=mode pairs "
                f"with the modes {'|'.join(MODES)}; that part is left out"
            )
    return tuple(found)


def keys(value: str, wrong: list[str]) -> tuple[bytes, ...]:
    """Return the secrets in *value*; what is too short is left out and told, never shown."""
    keys = [key.strip().encode() for key in value.split(",") if key.strip()]
    good = [key for key in keys if len(key) >= MIN_KEY]
    if len(good) < len(keys):
        wrong.append(
            f"LUMITRACE_FINGERPRINT_KEY takes secrets of {MIN_KEY} bytes and more; "
            "the shorter ones are left out"
        )
    return tuple(good)


def hosts(value: str, wrong: list[str]) -> "tuple[tuple[str, ...] | None, ...]":
    """Return the patterns in *value*, as labels; None before them: not the default ones."""
    found = [host.strip().lower() for host in value.split(",") if host.strip()]
    if any(not HOST_LETTERS.issuperset(host) or host[-1] in "*." for host in found):
        wrong.append(
            "LUMITRACE_HTTP_HOSTS is not understood, takes host names such as *.example.com; "
            "the default holds"
        )
        return ()
    own = [tuple(host.split(".")) for host in found if host != NONE]
    return (None, *own) if NONE in found else (*own,)
