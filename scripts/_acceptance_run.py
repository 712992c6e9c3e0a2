"""The run of `scripts/acceptance`, in the environment that it made."""

from __future__ import annotations

import sys

import _progress
from _acceptance_claims import CLAIMS
from _acceptance_shop import STACK, AcceptanceError, Shop


def main(profile: str, region: str, *, keep: bool) -> int:
    """Deploy, sell, check, remove; return 0 where every claim holds."""
    try:
        shop = Shop(profile, region)
    except AcceptanceError as error:
        _progress.say(str(error))
        return 1
    _progress.say(f"Ushop goes into the account {shop.account}, {region}; Ctrl-C removes it again")
    failed: list[str] = []
    try:
        shop.deploy()
        shop.sell()
        failed = _checked(shop)
        print(shop.cost())
    except AcceptanceError as error:
        _progress.say(str(error))
        failed.append("the run itself")
    except KeyboardInterrupt:
        _progress.say("stopped")
        failed.append("the run itself")
    finally:
        if keep:
            _progress.say(f"left there: remove the stacks {STACK} and {STACK}-archive, and buckets")
        else:
            for sentence in shop.remove():
                _progress.say(f"not removed: {sentence}")
    return 1 if failed else 0


def _checked(shop: Shop) -> list[str]:
    """Print each claim and whether it holds; return those that do not."""
    failed = []
    for claim in CLAIMS:
        try:
            holds, seen = claim.check(shop)
        except Exception as error:  # noqa: BLE001  # one that cannot be checked is told, too
            holds, seen = False, f"not checked: {type(error).__name__}: {error}"
        print(f"{'holds' if holds else 'FAILS':<6} {claim.name:<36} {' '.join(seen.split())[:200]}")
        if not holds:
            failed.append(claim.name)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], keep="--keep" in sys.argv[3:]))
