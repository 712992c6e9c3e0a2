"""What reading logs costs."""

from decimal import Decimal

# A query of Logs Insights, USD a GB of log events scanned, in us-east-1 and most other regions.
# FilterLogEvents is not charged. https://aws.amazon.com/cloudwatch/pricing/
INSIGHTS_USD_PER_GB = Decimal("0.005")
# A metric of GetMetricData, USD.
METRIC_USD = Decimal("0.00001")
AS_OF = "2026-11-23"
GB = 10**9  # bytes; with 2**30 it would cost 7 % less
