"""The archive: a subscription hands log events to Firehose, which writes them to a bucket of S3.

CloudWatch Logs compresses what it hands on, each delivery by itself, so that Firehose is not asked
to compress or to unpack: an object is many gzip pieces, one after another, as ``sources.forms``
reads them. They name log group and stream, which messages that Firehose extracts do not.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs.html
"""

import json
from collections.abc import Sequence

from lumitrace.reassembly.deploy.setup.part import Json, Part, allow, arn_of, policy, ref, sub
from lumitrace.reassembly.stream import LAMBDA_GROUP

# Our lines, Lambda's own in both log formats, what the runtime logs of an exception, and, by names
# that only they have, Step Functions and access logs of API Gateway. A term is found anywhere in a
# line; what else it brings along costs its bytes and is read as any other line.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
PATTERN = (
    '?lumitrace ?"RequestId: " ?"Task timed out" ?INIT_ ?RESTORE_ ?"platform." ?Runtime '
    '?"[ERROR]" ?errorType ?"Timeout (" ?execution_arn ?resourcePath ?routeKey'
)
KEEP_DAYS = 14
BUFFER_S = 60  # Firehose writes an object at least so often; 0 to 900
BUFFER_MB = 64  # or where so much has come; 1 to 128
PREFIX = "logs/"
_DATE = "!{timestamp:yyyy/MM/dd/HH}/"


def archive(groups: Sequence[str], bucket: str) -> Part:
    """Return the part that keeps the lines of *groups*, or of all log groups where none is named.

    *bucket* is the new bucket's name; without one CloudFormation makes a name.
    """
    part = Part()
    part.parameters = {
        "KeepDays": _number("Days that the logs are kept", KEEP_DAYS, 1, 3650),
        "BufferSeconds": _number("Seconds until Firehose writes an object", BUFFER_S, 0, 900),
    }
    part.resources = _bucket(bucket) | _only_by_tls() | _log() | _stream() | _subscriptions(groups)
    part.outputs = {
        "LogsPath": {
            "Description": "What lumitrace why takes as its path",
            "Value": sub("s3://${LogsBucket}/" + PREFIX),
        }
    }
    return part


def _number(description: str, default: int, least: int, most: int) -> Json:
    bounds = {"MinValue": least, "MaxValue": most}
    return {"Type": "Number", "Description": description, "Default": default, **bounds}


def _bucket(name: str) -> Json:
    named: Json = {"BucketName": name} if name else {}
    bucket = {
        **named,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "forget",
                    "Status": "Enabled",
                    "ExpirationInDays": ref("KeepDays"),
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                }
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }
    return {
        "LogsBucket": {
            "Type": "AWS::S3::Bucket",
            # A bucket that holds objects cannot be deleted, and what is kept is not ours to drop.
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": bucket,
        }
    }


def _only_by_tls() -> Json:
    denied = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn_of("LogsBucket"), sub("${LogsBucket.Arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    properties = {"Bucket": ref("LogsBucket"), "PolicyDocument": policy(denied)}
    return {"LogsBucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}


def _role(service: str, condition: Json, *statements: Json) -> Json:
    """Return a role that *service* may take on, for resources of this account alone."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    own = {"PolicyName": "deliver", "PolicyDocument": policy(*statements)}
    properties = {"AssumeRolePolicyDocument": policy(trust), "Policies": [own]}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _log() -> Json:
    """Return the log of what Firehose could not deliver."""
    log: Json = {"LogGroupName": sub("/lumitrace/${AWS::StackName}"), "RetentionInDays": KEEP_DAYS}
    stream = {"LogGroupName": ref("DeliveryLog"), "LogStreamName": "failed"}
    return {
        "DeliveryLog": {"Type": "AWS::Logs::LogGroup", "Properties": log},
        "DeliveryLogStream": {"Type": "AWS::Logs::LogStream", "Properties": stream},
    }


def _stream() -> Json:
    """Return the Firehose stream, and its role."""
    role = _role(
        "firehose.amazonaws.com",
        # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role
        {"StringEquals": {"sts:ExternalId": ref("AWS::AccountId")}},
        allow(
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            sub("${LogsBucket.Arn}/*"),
        ),
        allow(
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            arn_of("LogsBucket"),
        ),
        allow(["logs:PutLogEvents"], arn_of("DeliveryLog")),
    )
    destination = {
        "BucketARN": arn_of("LogsBucket"),
        "RoleARN": arn_of("DeliveryRole"),
        "Prefix": PREFIX + _DATE,
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/" + _DATE,
        "FileExtension": ".gz",
        "CompressionFormat": "UNCOMPRESSED",  # it comes compressed
        "BufferingHints": {"IntervalInSeconds": ref("BufferSeconds"), "SizeInMBs": BUFFER_MB},
        "CloudWatchLoggingOptions": {
            "Enabled": True,
            "LogGroupName": ref("DeliveryLog"),
            "LogStreamName": ref("DeliveryLogStream"),
        },
    }
    stream = {
        "DeliveryStreamType": "DirectPut",
        "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
        "ExtendedS3DestinationConfiguration": destination,
    }
    kind = "AWS::KinesisFirehose::DeliveryStream"
    return {"DeliveryRole": role, "Delivery": {"Type": kind, "Properties": stream}}


def _subscriptions(groups: Sequence[str]) -> Json:
    """Return a subscription of each group, or the one of the account."""
    role = _role(
        "logs.amazonaws.com",
        {
            "StringLike": {
                "aws:SourceArn": sub(
                    "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"
                )
            }
        },
        allow(["firehose:PutRecord", "firehose:PutRecordBatch"], arn_of("Delivery")),
    )
    made: Json = {"SubscriptionRole": role}
    for number, group in enumerate(groups):
        made[f"Subscription{number}"] = {
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "LogGroupName": group,
                "FilterName": sub("${AWS::StackName}"),
                # What is no function's is an access log or a state machine's: all of it.
                "FilterPattern": PATTERN if group.startswith(LAMBDA_GROUP) else "",
                "DestinationArn": arn_of("Delivery"),
                "RoleArn": arn_of("SubscriptionRole"),
            },
        }
    if not groups:
        made["Subscription"] = _of_account()
    return made


def _of_account() -> Json:
    """Return the subscription of all log groups, but for Firehose's own, which would feed itself.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions-recursion-prevention.html
    """
    document = {
        "DestinationArn": "${Delivery.Arn}",
        "RoleArn": "${SubscriptionRole.Arn}",
        "FilterPattern": PATTERN,
        "Distribution": "Random",
    }
    properties = {
        "PolicyName": sub("${AWS::StackName}"),
        "PolicyType": "SUBSCRIPTION_FILTER_POLICY",
        "PolicyDocument": sub(json.dumps(document)),
        "SelectionCriteria": sub('LogGroupName NOT IN ["${DeliveryLog}"]'),
        "Scope": "ALL",
    }
    return {"Type": "AWS::Logs::AccountPolicy", "Properties": properties}
