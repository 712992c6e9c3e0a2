"""What stands in an account costs, once ``lumitrace setup`` has made it: USD in us-east-1.

As they stood in public descriptions of AWS's pages, read on 2026-11-23, and not checked against a
bill.
"""

# An alarm pays for each metric that it looks at; a metric filter makes a metric of one's own.
# https://aws.amazon.com/cloudwatch/pricing/
ALARM_METRIC_MONTH = 0.10
OWN_METRIC_MONTH = 0.30
# Firehose, the first 500 TB a month, where a record counts as a multiple of 5 KB.
# https://aws.amazon.com/firehose/pricing/
FIREHOSE_GB = 0.029
FIREHOSE_STEP = 5 * 1024  # bytes
# S3, Standard class: what is kept, and each 1,000 objects that are written.
# https://aws.amazon.com/s3/pricing/
S3_GB_MONTH = 0.023
S3_THOUSAND_PUTS = 0.005
MONTH_S = 30.4 * 86_400
