"""How much is looked at and written unless told otherwise; apart, as each command line says it."""

SAMPLE = 10_000  # items
# Not a page of 1 MB at once: a table on demand takes at least 4,000 writes a second, a provisioned
# one what it was given; both have users. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
RATE = 25  # writes a second
