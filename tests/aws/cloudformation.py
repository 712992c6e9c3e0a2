"""moto as a server with CloudFormation, on the loopback.

moto's CloudFormation knows no Firehose, no filters of logs and no alarms. They are made here by
moto's own backends, so that what is put into a log group comes out in the bucket. Filter patterns
are kept by moto, and not applied.
"""

import contextlib
import sys
from types import ModuleType

import pytest

# moto's CloudFormation imports its API Gateway, which imports a validator of OpenAPI documents: 16
# packages for what nobody asks here.
NOT_NEEDED = ("", ".validation", ".validation.exceptions")


@contextlib.contextmanager
def server():
    """Yield the address of the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NOT_NEEDED:
            module = ModuleType(f"openapi_spec_validator{name}")
            module.validate, module.OpenAPIValidationError = None, ValueError
            patch.setitem(sys.modules, module.__name__, module)
        pytest.importorskip("moto.cloudformation")
        kept = [_known(name, make) for name, make in MAKES.items()]
        moto = pytest.importorskip("moto.server").ThreadedMotoServer
        played = moto("127.0.0.1", 0, verbose=False)
        played.start()
        host, port = played.get_host_and_port()
        yield f"http://{host}:{port}"
        played.stop()
        kept.clear()


def _known(name, make):
    """Make CloudFormation know the resources called *name*: moto looks for subclasses."""
    from moto.core.common_models import CloudFormationModel

    class Known(CloudFormationModel):
        def __init__(self, physical_resource_id, arn):
            self.physical_resource_id, self.arn = physical_resource_id, arn

        @staticmethod
        def cloudformation_name_type():
            return ""

        @staticmethod
        def cloudformation_type():
            return name

        @classmethod
        def has_cfn_attr(cls, attr):
            return attr == "Arn"

        def get_cfn_attribute(self, _):
            return self.arn

        @classmethod
        def create_from_cloudformation_json(cls, resource, wanted, account, region, **_):
            return cls(resource, make(account, region, resource, wanted["Properties"]))

        @classmethod
        def update_from_cloudformation_json(cls, original_resource, **_):
            return cls(original_resource.physical_resource_id, original_resource.arn)

        @classmethod
        def delete_from_cloudformation_json(cls, *_):
            pass

    return Known


def _firehose(account, region, name, wanted):
    from moto.firehose import firehose_backends

    nothing = dict.fromkeys(
        f"{one}_configuration"
        for one in (
            "kinesis_stream_source",
            "s3_destination",
            "redshift_destination",
            "elasticsearch_destination",
            "splunk_destination",
            "http_endpoint_destination",
            "snowflake_destination",
            "iceberg_destination",
        )
    )
    return firehose_backends[account][region].create_delivery_stream(
        region=region,
        delivery_stream_name=name,
        delivery_stream_type=wanted["DeliveryStreamType"],
        delivery_stream_encryption_configuration_input={},
        extended_s3_destination_configuration=wanted["ExtendedS3DestinationConfiguration"],
        tags=[],
        **nothing,
    )


def _subscription(account, region, _, wanted):
    from moto.logs.models import logs_backends

    logs_backends[account][region].put_subscription_filter(
        wanted["LogGroupName"],
        wanted["FilterName"],
        wanted["FilterPattern"],
        wanted["DestinationArn"],
        wanted["RoleArn"],
    )


def _metric_filter(account, region, _, wanted):
    from moto.logs.models import logs_backends

    transformations = [
        {f"{name[0].lower()}{name[1:]}": str(value) for name, value in one.items()}
        for one in wanted["MetricTransformations"]
    ]
    logs_backends[account][region].put_metric_filter(
        wanted["FilterName"], wanted["FilterPattern"], wanted["LogGroupName"], transformations
    )


def _nothing(*_):
    """It is taken, and kept in the template alone."""


MAKES = {
    "AWS::KinesisFirehose::DeliveryStream": _firehose,
    "AWS::Logs::SubscriptionFilter": _subscription,
    "AWS::Logs::MetricFilter": _metric_filter,
    "AWS::Logs::AccountPolicy": _nothing,
    "AWS::Logs::LogStream": _nothing,
    "AWS::CloudWatch::Alarm": _nothing,
    "AWS::S3::BucketPolicy": _nothing,
}
