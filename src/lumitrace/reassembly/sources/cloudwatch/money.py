"""What the queries of one command scanned, what that costs, and how much it may."""

from dataclasses import dataclass, field
from decimal import Decimal

from lumitrace.reassembly.prices.logs import AS_OF, GB, INSIGHTS_USD_PER_GB, METRIC_USD
from lumitrace.reassembly.problem import Problem


@dataclass
class Money:
    """Adds up what is scanned.

    Attributes:
        budget_usd: the command stops where it has cost so much; None is no bound.
        usd_per_gb: what a scanned GB costs.
        scanned: bytes by query id, as CloudWatch says them last.
        metrics: how many were asked of GetMetricData.
    """

    budget_usd: Decimal | None = None
    usd_per_gb: Decimal = INSIGHTS_USD_PER_GB
    scanned: dict[str, int] = field(default_factory=dict)
    metrics: int = 0

    @property
    def bytes(self) -> int:
        """Return the bytes that all queries scanned."""
        return sum(self.scanned.values())

    @property
    def usd(self) -> Decimal:
        """Return what that costs, and the metrics."""
        return Decimal(self.bytes) / GB * self.usd_per_gb + self.metrics * METRIC_USD

    def note(self, query: str, scanned: float) -> None:
        """Keep that *query* has scanned so many bytes by now.

        Raises:
            Problem: the budget is spent.
        """
        self.scanned[query] = max(self.scanned.get(query, 0), int(scanned))
        if self.budget_usd is not None and self.usd > self.budget_usd:
            message = (
                f"stopped: {self.told} of --budget-usd {self.budget_usd}; "
                "allow more, or ask for a smaller window"
            )
            raise Problem(message)

    @property
    def told(self) -> str:
        """Return what was scanned and what it cost, for people."""
        return f"scanned {size(self.bytes)}, {self.usd:.3f} USD"

    def answer(self) -> dict[str, object]:
        """Return the same as data."""
        return {
            "bytes": self.bytes,
            "queries": len(self.scanned),
            "metrics": self.metrics,
            "usd": f"{self.usd:f}",
            "usdPerGb": f"{self.usd_per_gb:f}",
            "priceOf": AS_OF if self.usd_per_gb == INSIGHTS_USD_PER_GB else None,
        }


def size(count: int) -> str:
    """Return so many bytes in the unit that suits them."""
    for unit, name in ((GB, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"
