"""The customers: they buy in all five departments, and know what they bought.

At a given moment a new version of the till goes out to some departments: from then on it sends
the amount as text, "42.50" and not 42.5. The shop hands it on, and DynamoDB refuses it.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from .stage import Stage

# Department, its share of the sales in percent, and what it sells.
DEPARTMENTS: dict[str, tuple[int, dict[str, str]]] = {
    "WOMEN": (34, {"summer-dress": "59.90", "rain-jacket": "89.50", "silk-scarf": "42.50"}),
    "MEN": (26, {"oxford-shirt": "49.90", "denim-jacket": "79.00", "wool-socks": "12.75"}),
    "BABY": (20, {"romper": "19.90", "sleeping-bag": "44.95", "knit-hat": "9.95"}),
    "KIDS": (12, {"rain-boots": "24.90", "hoodie": "29.95"}),
    "SPORTS": (8, {"running-shoes": "99.95", "yoga-mat": "27.40"}),
}
NEW_TILL = ("WOMEN", "MEN", "BABY")  # 80 % of the sales
CUSTOMERS = 600
STOCK = 10_000  # pieces of each product
AT_ONCE = 8  # customers at the till
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Sale:
    """One sale: what the customer knows, and whether the shop will fail on it.

    Attributes:
        after_s: When it is posted, in seconds from the first.
        as_text: The amount goes out as text; then the sale must fail.
    """

    sale_id: str
    department: str
    customer_id: str
    product: str
    quantity: int
    amount: Decimal
    as_text: bool
    after_s: float

    @property
    def total(self) -> Decimal:
        """What it is worth."""
        return self.amount * self.quantity

    def body(self) -> bytes:
        """Return what the till posts; the amount keeps its two digits in either form."""
        told: dict[str, Any] = {
            "saleId": self.sale_id,
            "customerId": self.customer_id,
            "department": self.department,
            "product": self.product,
            "quantity": self.quantity,
            "amount": str(self.amount) if self.as_text else float(self.amount),
        }
        return json.dumps(told).encode()


@dataclass
class Truth:
    """What was really sold: the measure for every answer.

    Attributes:
        sales: Those that the shop took (202), in the order they were planned.
        refused: Those it did not take, with what it answered: 0 where nothing came back.
        broken_at: Unix seconds from which on the amount was text, or None.
    """

    sales: list[Sale] = field(default_factory=list)
    refused: list[tuple[Sale, int]] = field(default_factory=list)
    broken_at: float | None = None

    @property
    def failed(self) -> list[Sale]:
        """The sales that must fail."""
        return [sale for sale in self.sales if sale.as_text]

    @property
    def healthy(self) -> list[Sale]:
        """The sales that must succeed."""
        return [sale for sale in self.sales if not sale.as_text]

    @property
    def failed_total(self) -> Decimal:
        """What the failed sales are worth."""
        return sum((sale.total for sale in self.failed), Decimal(0))

    @property
    def failed_customers(self) -> int:
        """How many customers a failed sale hurts."""
        return len({sale.customer_id for sale in self.failed})


def seed(stage: Stage) -> None:
    """Fill the catalog and the stock."""
    catalog = [
        {
            "product": {"S": product},
            "department": {"S": department},
            "name": {"S": product.replace("-", " ").capitalize()},
            "price": {"N": price},
        }
        for department, (_, products) in DEPARTMENTS.items()
        for product, price in products.items()
    ]
    stock = [{"product": it["product"], "inStock": {"N": str(STOCK)}} for it in catalog]
    for table, items in ("ushop_catalog", catalog), ("ushop_stock", stock):
        puts = [{"PutRequest": {"Item": item}} for item in items]
        stage.clients.dynamodb.batch_write_item(RequestItems={table: puts})


def plan(
    *,
    seconds: float,
    broken_after: float | None,
    rate: float,
    seed: int,
    departments: Collection[str] = NEW_TILL,
) -> Iterator[Sale]:
    """Yield the sales in the order of time; the same for the same arguments."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    deck: list[str] = []
    sale_ids: set[str] = set()
    for number in range(round(seconds * rate)):
        after_s = (number + chance.random() / 2) / rate
        if not deck:  # dealt, not drawn: every 50 sales hold exactly the shares
            deck = [name for name, (share, _) in DEPARTMENTS.items() for _ in range(share // 2)]
            chance.shuffle(deck)
        department = deck.pop()
        product, price = chance.choice(list(DEPARTMENTS[department][1].items()))
        while (sale_id := f"{chance.getrandbits(32):08x}") in sale_ids:
            pass
        sale_ids.add(sale_id)
        yield Sale(
            sale_id=sale_id,
            department=department,
            customer_id=f"customer-{chance.randrange(CUSTOMERS):03}",
            product=product,
            quantity=chance.choice((1, 1, 1, 2, 3)),
            amount=Decimal(price),
            as_text=broken_after is not None
            and after_s >= broken_after
            and department in departments,
            after_s=after_s,
        )


def sell(  # noqa: PLR0913  # what a night consists of
    api_url: str,
    *,
    seconds: float = 20,
    broken_after: float | None = 10,
    rate: float = 5,
    seed: int = 1,
    departments: Collection[str] = NEW_TILL,
    progress: Callable[[Sale, int], None] | None = None,
) -> Truth:
    """Sell for a while; return what was sold.

    Args:
        api_url: The shop's door.
        seconds: How long.
        broken_after: When the till begins to send text, in seconds from the start; None: never.
        rate: Sales a second.
        seed: The same seed sells the same.
        departments: Which ones get the new till.
        progress: Called with each sale and the HTTP status it got, 0 for none.
    """
    began, wall = time.monotonic(), time.time()
    broken_at = None if broken_after is None or broken_after >= seconds else wall + broken_after
    truth = Truth(broken_at=broken_at)

    def buy(sale: Sale) -> tuple[Sale, int]:
        status = post(api_url, sale)
        if progress:
            progress(sale, status)
        return sale, status

    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="customer") as customers:
        waiting = []
        sales = plan(
            seconds=seconds,
            broken_after=broken_after,
            rate=rate,
            seed=seed,
            departments=departments,
        )
        for sale in sales:
            time.sleep(max(0.0, began + sale.after_s - time.monotonic()))
            waiting.append(customers.submit(buy, sale))
        for answer in waiting:
            sale, status = answer.result()
            if status == http.HTTPStatus.ACCEPTED:
                truth.sales.append(sale)
            else:
                truth.refused.append((sale, status))
    return truth


def post(api_url: str, sale: Sale) -> int:
    """Post one sale; return the HTTP status, or 0 where nothing came back."""
    connection = http.client.HTTPConnection(urlsplit(api_url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", "/sales", sale.body(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()
