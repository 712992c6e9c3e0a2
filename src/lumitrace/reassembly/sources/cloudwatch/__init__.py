"""CloudWatch Logs through boto3: which groups there are, what they hold, what asking costs."""

from lumitrace.reassembly.sources.cloudwatch.logs import CloudWatch, Position

__all__ = ["CloudWatch", "Position"]
