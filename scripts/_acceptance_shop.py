"""Ushop in a real account: put there, sold at, removed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import _acceptance_template
import _environments
import _progress

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(_environments.ROOT / "examples" / "ushop"))

STACK = _acceptance_template.STACK
ARCHIVE = f"{STACK}-archive"
GROUPS = "/aws/lambda/ushop_*"
WATCHED = "/aws/lambda/ushop_sale-confirmations"
SECONDS, BROKEN_AFTER_S, RATE = 120, 60, 3
SETTLE_S = 300  # retries of an asynchronous event come after 1 and 2 minutes
HOUR_USD = 0.015 + 0.01  # a shard of Kinesis, and what else is billed by time, with room


class AcceptanceError(Exception):
    """What went wrong, as one sentence for a person."""


class Shop:
    """The shop, and what is known of what it sold."""

    def __init__(self, profile: str, region: str) -> None:
        import boto3  # noqa: PLC0415  # the environment of the run has it
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # as above

        self.profile, self.region = profile, region
        try:
            self.session = boto3.Session(profile_name=profile, region_name=region)
            self.account = self.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError, ValueError) as error:
            message = f"asking which account {profile} is: {error}; check --profile and --region"
            raise AcceptanceError(message) from None
        self.code = f"{STACK}-{self.account}-{region}"
        self.outputs: dict[str, str] = {}
        self.lost: list[str] = []
        self.sold: list[str] = []
        self.usd = 0.0
        self.ours = False
        self.began = time.time()
        self._answers: dict[tuple[str, ...], Any] = {}

    def client(self, service: str) -> Any:
        """Return a client of *service*."""
        return self.session.client(service)

    def answer(self, *arguments: str) -> Any:
        """Return the JSON that lumitrace answers there; the same question is asked once."""
        if arguments not in self._answers:
            called = [sys.executable, "-m", "lumitrace.reassembly.cli", *arguments, "--json"]
            called += ["--profile", self.profile, "--region", self.region]
            done = subprocess.run(called, capture_output=True, text=True, check=False)
            if not done.stdout:
                raise AcceptanceError(done.stderr.strip() or "lumitrace said nothing")
            self._answers[arguments] = json.loads(done.stdout)
            self.usd += float(self._answers[arguments].get("scanned", {}).get("usd", 0))
        return self._answers[arguments]

    def why(self, *more: str) -> Any:
        """Return what ``lumitrace why`` says of the time since the shop opened."""
        minutes = int((time.time() - self.began) / 60) + 5
        return self.answer("why", "--log-group", GROUPS, "--since", f"{minutes}m", *more)

    def deploy(self) -> None:
        """Put the shop there, and its archive.

        Raises:
            AcceptanceError: something of that name is there already.
        """
        logs = self.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/ushop_")
        if logs["logGroups"] or self._buckets() or self._stacks() & {STACK, ARCHIVE}:
            message = (
                "the account has log groups /aws/lambda/ushop_…, or stacks or buckets of an "
                "earlier run: remove them, or use another account or region"
            )
            raise AcceptanceError(message)
        self.ours = True  # from here on, what has these names was made by this run
        objects = self.client("s3")
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        objects.create_bucket(Bucket=self.code, **({} if self.region == "us-east-1" else place))
        for key, content in (("functions.zip", _functions()), ("layer.zip", _layer())):
            objects.put_object(Bucket=self.code, Key=key, Body=content)
        self._create()
        [stack] = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        self.client("logs").create_log_group(logGroupName=WATCHED)  # before its first line
        archive = ("--log-group", WATCHED, "--stack-name", ARCHIVE)
        self.outputs |= self.answer("setup", "--apply", *archive)["outputs"]

    def _create(self) -> None:
        stacks = self.client("cloudformation")
        stacks.create_stack(
            StackName=STACK,
            TemplateBody=_acceptance_template.text(),
            Parameters=[{"ParameterKey": "CodeBucket", "ParameterValue": self.code}],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        stacks.get_waiter("stack_create_complete").wait(StackName=STACK)

    def sell(self) -> None:
        """Sell for two minutes, from the middle on with the new till, and wait for the retries."""
        from local_aws import customers  # noqa: PLC0415  # examples/ushop is on the path

        customers.seed(SimpleNamespace(clients=SimpleNamespace(dynamodb=self.client("dynamodb"))))  # type: ignore[arg-type]  # all that it uses
        self.began = began = time.time()
        till = {"seconds": SECONDS, "broken_after": BROKEN_AFTER_S, "rate": RATE, "seed": 1}
        with ThreadPoolExecutor(max_workers=8) as tills:
            waiting = []
            for sale in customers.plan(**till):  # type: ignore[arg-type]  # numbers, all of them
                time.sleep(max(0.0, began + sale.after_s - time.time()))
                waiting.append((sale, tills.submit(_post, self.outputs["SalesUrl"], sale.body())))
            for sale, answer in waiting:
                if answer.result() == 202:
                    (self.lost if sale.as_text else self.sold).append(sale.sale_id)
        _progress.say(f"sold {len(self.sold)}, lost {len(self.lost)}; waiting for the retries")
        time.sleep(SETTLE_S)

    def cost(self) -> str:
        """Return what it cost, estimated from what can be counted."""
        logs = self.client("logs").get_paginator("describe_log_groups")
        pages = logs.paginate(logGroupNamePrefix="/aws/lambda/ushop_")
        stored = sum(group.get("storedBytes", 0) for page in pages for group in page["logGroups"])
        hours = (time.time() - self.began) / 3600 + 1
        usd = self.usd + stored / 1e9 * 0.5 + hours * HOUR_USD + 0.05
        return f"about {usd:.2f} USD, estimated: logs, queries, a shard, requests below 0.05"

    def remove(self) -> list[str]:
        """Remove what this run has made; return what could not be removed, in sentences."""
        if not self.ours:
            return []
        buckets = self._buckets()
        steps: list[tuple[str, Callable[[str], None], str]] = [
            ("the stack", self._delete, ARCHIVE),  # first: nothing more is written then
            *(("the bucket", self._empty, bucket) for bucket in buckets),
            ("the stack", self._delete, STACK),
            *(("the bucket", self._drop, bucket) for bucket in buckets),
            ("the log groups", self._drop_groups, "/aws/lambda/ushop_"),
            ("the log groups", self._drop_groups, f"/lumitrace/{STACK}"),
        ]
        return [sentence for step in steps if (sentence := _tried(*step))]

    def _stacks(self) -> set[str]:
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {one["StackName"] for page in pages for one in page["Stacks"]}

    def _buckets(self) -> list[str]:
        ours = (f"{STACK}-", f"ushop-receipts-{self.account}-{self.region}")
        names = [one["Name"] for one in self.client("s3").list_buckets()["Buckets"]]
        return [name for name in names if name.startswith(ours)]

    def _delete(self, stack: str) -> None:
        stacks = self.client("cloudformation")
        stacks.delete_stack(StackName=stack)
        stacks.get_waiter("stack_delete_complete").wait(StackName=stack)

    def _drop(self, bucket: str) -> None:
        if bucket in self._buckets():  # others went with their stack
            self._empty(bucket)
            self.client("s3").delete_bucket(Bucket=bucket)

    def _drop_groups(self, prefix: str) -> None:
        logs = self.client("logs")
        for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])

    def _empty(self, bucket: str) -> None:
        objects = self.client("s3")
        for page in objects.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for one in page.get("Contents", ()):
                objects.delete_object(Bucket=bucket, Key=one["Key"])


def _tried(what: str, step: Callable[[str], None], name: str) -> str:
    """Return why *step* failed, or nothing: whatever it is, the rest is to be removed as well."""
    try:
        step(name)
    except Exception as error:  # noqa: BLE001  # as said
        return f"{what} {name}: {error}"
    return ""


def _post(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # the stack's own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _functions() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted((_environments.ROOT / "examples/ushop/functions").glob("*.py")):
            made.write(path, path.name)
    return packed.getvalue()


def _layer() -> bytes:
    from lumitrace.reassembly.deploy.layer import build  # noqa: PLC0415  # the run has it

    return build("3.13").content
