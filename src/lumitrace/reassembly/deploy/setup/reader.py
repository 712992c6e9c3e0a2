"""The reader: a read-only IAM policy for the people who ask, of what lumitrace calls and no more.

Which actions can be bound to which resources:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from collections.abc import Sequence

from lumitrace.reassembly.deploy.setup.archive import PREFIX
from lumitrace.reassembly.deploy.setup.part import Json, Part, allow, arn_of, policy, ref, sub

# Of what lumitrace asks AWS, what only reads: tests/reassembly/test_setup.py compares the whole
# with the calls in the code.
LOGS = ["logs:FilterLogEvents", "logs:StartQuery"]  # of single log groups
LOGS_ANY = ["logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"]
COUNTS = ["cloudwatch:GetMetricData"]
CHECK = [
    "cloudwatch:DescribeAlarms",
    "logs:DescribeAccountPolicies",
    "logs:DescribeMetricFilters",
    "logs:DescribeSubscriptionFilters",
    "logs:TestMetricFilter",
]
STATES = [
    "states:DescribeMapRun",
    "states:DescribeStateMachine",
    "states:GetExecutionHistory",
    "states:ListExecutions",
    "states:ListStateMachines",
]
BUCKET, OBJECTS = ["s3:ListBucket"], ["s3:GetObject"]
TABLES = ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]
READING = (LOGS, LOGS_ANY, COUNTS, CHECK, STATES, BUCKET, OBJECTS, TABLES)

# What it calls beyond, and which command asks for it: no part of this policy.
CHANGING = {
    "cloudformation:CreateStack": "setup --apply",
    "cloudformation:DescribeStackEvents": "setup --apply",
    "cloudformation:DescribeStacks": "setup --apply",
    "cloudformation:UpdateStack": "setup --apply",
    "dynamodb:UpdateItem": "dynamodb clean --apply",
}


def reader(groups: Sequence[str], bucket: str, tables: Sequence[str], *, archived: bool) -> Part:
    """Return the policy of who may read *groups*, or all log groups where none is named.

    *archived*: the archive is part of the same template. Else *bucket* is one that is there. Items
    are what a shop knows of its customers: of *tables* alone, none unless named.
    """
    arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    named = [sub(f"{arn}{group}{end}") for group in groups or ["*"] for end in ("", ":*")]
    statements = [
        allow(LOGS, named if groups else sub(f"{arn}*"), "Logs"),
        allow(LOGS_ANY, "*", "LogGroupsAndAnswers"),
        allow(COUNTS, "*", "Coverage"),
        allow(CHECK, "*", "SetupCheck"),
        allow(STATES, "*", "StateMachines"),
    ]
    part = Part()
    if archived:
        statements += _files(arn_of("LogsBucket"), sub("${LogsBucket.Arn}/" + PREFIX + "*"))
    elif bucket:
        whole = f"arn:${{AWS::Partition}}:s3:::{bucket}"
        statements += _files(sub(whole), sub(f"{whole}/*"))
    else:
        part.notes.append("the policy reads no bucket; name one with --bucket")
    if tables:
        own = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
        statements.append(allow(TABLES, [sub(own + table) for table in tables], "Items"))
    else:
        part.notes.append("the policy reads no DynamoDB items (blame); name tables with --table")
    part.resources["ReaderPolicy"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "What lumitrace asks AWS, nothing that changes anything",
            "PolicyDocument": policy(*statements),
        },
    }
    part.outputs["ReaderPolicyArn"] = {
        "Description": "To attach to the role or group of the people who ask",
        "Value": ref("ReaderPolicy"),
    }
    return part


def _files(bucket: Json, objects: Json) -> list[Json]:
    return [allow(BUCKET, bucket, "Bucket"), allow(OBJECTS, objects, "Objects")]
