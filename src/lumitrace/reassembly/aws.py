"""AWS through boto3: a client of the account that was asked about, and its errors in sentences."""

import os
from dataclasses import dataclass
from typing import Any

from lumitrace.reassembly.problem import FAILURE, MISUSE, Problem

EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
REFUSED = frozenset(
    (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    )
)
DENIED = frozenset(("AccessDeniedException", "AccessDenied"))
MISSING = frozenset(("ResourceNotFoundException", "NoSuchBucket"))


@dataclass(frozen=True)
class Account:
    """Which account, region and endpoint; "" leaves it to boto3.

    *region* and *profile* may name several, parted by commas, where log groups are read.
    """

    region: str = ""
    profile: str = ""
    endpoint_url: str = ""

    @property
    def name(self) -> str:
        """Return what tells it from others, for people."""
        return " ".join(word for word in (self.profile, self.region) if word)

    def each(self) -> "list[Account]":
        """Return every region of every profile."""
        return [
            Account(region.strip(), profile.strip(), self.endpoint_url)
            for profile in self.profile.split(",")
            for region in self.region.split(",")
        ]


@dataclass(frozen=True)
class Service:
    """What is to be said of a service.

    Attributes:
        client: boto3's name of it.
        name: its name for people.
        allow: the permissions that its use here needs.
        thing: what is named in a request: a log group, a table.
        retry: what to do where it refused for a reason not known here.
        retry_mode, retries: how the SDK tries again where AWS throttles or does not answer.
    """

    client: str
    name: str
    allow: str
    thing: str
    retry: str = "try again, or a smaller window"
    retry_mode: str = "standard"
    retries: int = 3


class AWS:
    """One service of one account and region."""

    def __init__(self, account: Account, service: Service) -> None:
        self.account = account
        self.service = service
        self.exceptions = _door()
        with self.told("reading the AWS settings"):
            self.client = self._client()

    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  # behind the door
        from botocore.config import Config  # noqa: PLC0415

        # AWS's other tools honour AWS_REGION; boto3 knows AWS_DEFAULT_REGION alone.
        region = self.account.region or os.environ.get("AWS_REGION")
        session = boto3.Session(profile_name=self.account.profile or None, region_name=region)
        retries = {"mode": self.service.retry_mode, "max_attempts": self.service.retries}
        config = Config(connect_timeout=5, read_timeout=60, retries=retries)
        endpoint = self.account.endpoint_url or None
        return session.client(self.service.client, endpoint_url=endpoint, config=config)

    def told(self, doing: str) -> "_Told":
        """Return a block in which what boto3 raises becomes a problem that tells of *doing*."""
        return _Told(self, doing)


class _Told:
    """Turns what botocore raises into one sentence."""

    def __init__(self, aws: "AWS", doing: str) -> None:
        self.aws = aws
        self.exceptions = aws.exceptions
        self.doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, (self.exceptions.BotoCoreError, self.exceptions.ClientError)):
            problem = self._problem(error)
        elif isinstance(error, _unreadable()):
            problem = Problem(f"{self.doing}: what answers is not AWS; check --endpoint-url")
        elif isinstance(error, ValueError):  # botocore says so of an endpoint that is no address
            problem = Problem(f"{self.doing}: {error}; check --endpoint-url", MISUSE)
        else:
            return
        raise problem from None

    def _problem(self, error: Any) -> Problem:
        said = self.exceptions
        if isinstance(error, said.ClientError):
            refusal = error.response.get("Error", {})
            return Problem(self._refused(refusal), denied=refusal.get("Code", "") in DENIED)
        where = self.aws.account.endpoint_url or self.aws.service.name
        for kinds, found, exit_code in (
            (said.ProfileNotFound, f"{error}; see aws configure list-profiles", MISUSE),
            (said.NoRegionError, "no region is set; give --region or set AWS_REGION", MISUSE),
            (
                (said.NoCredentialsError, said.PartialCredentialsError),
                "no AWS credentials were found; give --profile, or run aws configure",
                FAILURE,
            ),
            (said.SSOError, "the sign-in has run out; run aws sso login", FAILURE),
            (
                (said.ConnectionError, said.HTTPClientError),
                f"{where} does not answer; check the network, --region and --endpoint-url",
                FAILURE,
            ),
        ):
            if isinstance(error, kinds):
                return Problem(f"{self.doing}: {found}", exit_code)
        told = " ".join(str(error).split()).rstrip(".")
        return Problem(f"{self.doing}: {told}; check the AWS settings")

    def _refused(self, said: dict[str, str]) -> str:
        code, message = said.get("Code", ""), said.get("Message", "")
        if code in EXPIRED:
            return f"{self.doing}: the AWS credentials have expired; sign in again: aws sso login"
        if code in REFUSED:
            return f"{self.doing}: AWS does not know these credentials; check --profile"
        if code in MISSING:
            thing = self.aws.service.thing
            return f"{self.doing}: there is no such {thing}; check its name and --region"
        if code in DENIED:
            return f"{self.doing}: access denied; allow {self.aws.service.allow}"
        told = " ".join(message.split()).rstrip(".")
        return f"{self.doing}: {code}: {told}; {self.aws.service.retry}"


def _unreadable() -> Any:
    """Return what botocore raises where an answer is not of the service's form."""
    from botocore.parsers import ResponseParserError  # noqa: PLC0415  # behind the door

    return ResponseParserError


def _door() -> Any:
    try:
        import boto3  # noqa: F401, PLC0415  # the door of this room
        from botocore import exceptions  # noqa: PLC0415
    except ImportError:
        message = "lumitrace needs boto3 to ask AWS: pip install 'lumitrace[tools]'"
        raise Problem(message) from None
    return exceptions
