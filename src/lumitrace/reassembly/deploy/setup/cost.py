"""What a template will cost, in one sentence."""

from lumitrace.reassembly.deploy.setup.archive import BUFFER_S
from lumitrace.reassembly.deploy.setup.part import Json
from lumitrace.reassembly.prices import setup as prices
from lumitrace.reassembly.prices.logs import AS_OF


def cost(template: Json) -> str:
    """Return what *template* costs, as a sentence without its stop."""
    resources = template["Resources"].values()
    kinds = [one["Type"] for one in resources]
    said = []
    if "AWS::KinesisFirehose::DeliveryStream" in kinds:
        objects = prices.MONTH_S / BUFFER_S / 1000 * prices.S3_THOUSAND_PUTS
        said.append(
            f"the archive {prices.FIREHOSE_GB} USD for each GB through Firehose (compressed, each "
            f"delivery rounded up to 5 KB), {prices.S3_GB_MONTH} USD a GB and month in S3, and at "
            f"most {objects:.2f} USD a month for writing objects"
        )
    looked_at = sum(
        "MetricStat" in metric
        for one in resources
        if one["Type"] == "AWS::CloudWatch::Alarm"
        for metric in one["Properties"]["Metrics"]
    )
    if looked_at:
        month = looked_at * prices.ALARM_METRIC_MONTH
        month += kinds.count("AWS::Logs::MetricFilter") * prices.OWN_METRIC_MONTH
        said.append(f"the alarms {month:.2f} USD a month")
    if "AWS::IAM::ManagedPolicy" in kinds:
        said.append("the policy nothing")
    return f"{'; '.join(said)} (us-east-1, second-hand, {AS_OF})"
