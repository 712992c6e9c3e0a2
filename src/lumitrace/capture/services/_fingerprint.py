"""Keyed fingerprints of items: how a stream record is joined to its writer where no mark can say.

``i…`` is of an item as it stands after the write, or of a key and what an update assigned. ``k…``,
``m…`` and ``d…`` are of table and key alone: ``m…`` of a write that a new image would show, by its
mark or its content, ``d…`` of a delete, ``k…`` of any other. Both sides hash table, region and
content with the secrets in ``LUMITRACE_FINGERPRINT_KEY``, so that lines show no content and nobody
without a secret can try values.
"""

import hashlib

from lumitrace.capture.config import settings
from lumitrace.capture.services._canonical import Speller
from lumitrace.wire.mark import ATTRIBUTE, parse_mark, table_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

DIGITS = 15  # hex; 60 bits
MAX_SECRET = 64  # bytes that BLAKE2b takes as a key: https://www.rfc-editor.org/rfc/rfc7693
MAX_SECRETS = 4
MAX_TABLES = 256  # whose keys are remembered
REPLICATION = "aws:rep:"  # what global tables of 2017 add to an item
IMAGE, KEY, SHOWN_KEY, DELETED = "i", "k", "m", "d"

_key_names: "dict[str, tuple[str, ...]]" = {}


class Table:
    """One table in one region, as both sides name it."""

    __slots__ = ("encoded", "hash")

    def __init__(self, region: str, name: str, *, encoded: bool = False) -> None:
        self.hash = table_hash(region, name)
        self.encoded = encoded

    def image(self, item: "Mapping[str, Any]", removed: "tuple[str, ...]" = ()) -> list[str]:
        """Return the fingerprints of *item*, of which *removed* attributes were taken off."""
        attributes = {name: value for name, value in item.items() if not _is_added(name, value)}
        try:
            spelt = Speller(encoded=self.encoded).item(attributes)
        except ValueError:
            return []
        return self._hashes(IMAGE, spelt + "\0".join(sorted(removed)).encode("utf-8", "replace"))

    def learn(self, names: "Iterable[str]") -> None:
        """Remember the *names* of the attributes that are the table's key."""
        if self.hash not in _key_names and len(_key_names) < MAX_TABLES:
            _key_names[self.hash] = tuple(names)

    def key(self, key: "Mapping[str, Any]", letter: str) -> list[str]:
        """Return the fingerprints of a *key*, and remember the names in it."""
        self.learn(key)
        try:
            spelt = Speller(encoded=self.encoded).item(key)
        except ValueError:
            return []
        return self._hashes(KEY, spelt, letter)

    def key_of(self, item: "Mapping[str, Any]") -> "dict[str, Any] | None":
        """Return the key of *item*, or None where this process never saw a key of the table."""
        names = _key_names.get(self.hash)
        if names is None or not all(name in item for name in names):
            return None
        return {name: item[name] for name in names}

    def _hashes(self, kind: str, spelt: bytes, letter: str = "") -> list[str]:
        found = []
        for secret in settings.fingerprint_key[:MAX_SECRETS]:
            if len(secret) > MAX_SECRET:
                secret = hashlib.blake2b(secret).digest()  # noqa: PLW2901  # as HMAC does
            told = hashlib.blake2b(key=secret, digest_size=8)
            told.update(f"{kind}{self.hash}".encode())
            told.update(spelt)
            found.append((letter or kind) + told.hexdigest()[:DIGITS])
        return found


def short(identifier: str) -> str:
    """Return six hex digits that stand for a record's own id, whoever receives it."""
    return hashlib.blake2b(identifier.encode("utf-8", "replace"), digest_size=3).hexdigest()


def _is_added(name: str, value: object) -> bool:
    """Tell whether an attribute is ours or the replication's, and none of the application's."""
    if name == ATTRIBUTE:
        text = value.get("S") if isinstance(value, dict) else value
        return parse_mark(text) is not None
    return name.startswith(REPLICATION)


def of_change(change: "Mapping[str, Any]", name: object, region: str, table: str) -> list[str]:
    """Return every fingerprint that fits the *change* of a stream record, called *name* by it."""
    key, new, old = change.get("Keys"), change.get("NewImage"), change.get("OldImage")
    where = Table(region, table, encoded=True)
    if not isinstance(key, dict):
        return []
    if name == "REMOVE":
        return where.key(key, DELETED)
    found = where.key(key, KEY)
    if not isinstance(new, dict):
        return found + [SHOWN_KEY + one[1:] for one in found]
    images = where.image(new)
    if name == "MODIFY" and isinstance(old, dict):
        changed = {n: v for n, v in new.items() if n in key or n not in old or old[n] != v}
        removed = tuple(n for n, v in old.items() if n not in new and not _is_added(n, v))
        images += [one for one in where.image(changed, removed) if one not in images]
    return images + found
