"""The tracers that are compared: what is installed, and what is set, for each."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import _environments  # noqa: E402  # after the path is set

EVERYWHERE = ("awslambdaric==4.2.2", "boto3==1.44.5", "wrapt>=1.15,<3")


@dataclass(frozen=True, eq=False)
class Peer:
    """A tracer.

    Attributes:
        name: ``apps/with_<name>.py`` wires it, as its documentation says.
        title: the head of its column.
        requirements: what pip installs; the first one's version is shown.
        settings: environment variables; names in braces are addresses of the sinks.
        is_beside: whether it is one of those that are tried beside lumitrace.
        layer: whether it comes as lumitrace's layer, which needs no wiring.
    """

    name: str
    title: str
    requirements: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    is_beside: bool = True
    layer: bool = False

    @property
    def version(self) -> str:
        """Return the version that is installed."""
        if not self.requirements:
            return "this checkout"
        return self.requirements[0].rpartition("==")[2]


OTLP = "opentelemetry-instrumentation-"
PEERS = (
    Peer("lumitrace", "lumitrace, `@traced`", is_beside=False),
    Peer("layer", "lumitrace, layer", is_beside=False, layer=True),
    Peer(
        "xray",
        "X-Ray SDK",
        ("aws-xray-sdk==2.15.0",),
        {"AWS_XRAY_DAEMON_ADDRESS": "{udp}"},
    ),
    Peer(
        "powertools",
        "Powertools",
        ("aws-lambda-powertools[tracer]==3.37.0",),
        {"AWS_XRAY_DAEMON_ADDRESS": "{udp}", "POWERTOOLS_SERVICE_NAME": "orders"},
    ),
    Peer(
        "otel",
        "OpenTelemetry",
        (
            f"{OTLP}aws-lambda==0.66b1",
            f"{OTLP}botocore==0.66b1",
            f"{OTLP}boto3sqs==0.66b1",
            f"{OTLP}urllib3==0.66b1",
            "opentelemetry-sdk==1.45.1",
            "opentelemetry-exporter-otlp-proto-http==1.45.1",
        ),
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://{http}"},
    ),
    Peer(
        "sentry",
        "Sentry",
        ("sentry-sdk==2.75.0",),
        {"SENTRY_DSN": "http://0123456789abcdef0123456789abcdef@{http}/1"},
    ),
    Peer(
        "datadog",
        "Datadog",
        ("datadog-lambda==8.130.0", "ddtrace==4.16.0"),
        {
            "DD_SITE": "datadoghq.com",
            "DD_ENV": "prod",
            "DD_SERVICE": "orders",
            "DD_FLUSH_TO_LOG": "true",
            "DD_TRACE_ENABLED": "true",
        },
    ),
    Peer(
        "lumigo",
        "Lumigo",
        ("lumigo_tracer==1.1.257",),
        {"SSL_CERT_FILE": "{certificate}", "CONTRACT_TLS_PORT": "{tls}"},
    ),
    Peer(
        "elastic",
        "Elastic APM",
        ("elastic-apm==6.26.2",),
        {
            "ELASTIC_APM_LAMBDA_APM_SERVER": "http://{http}",
            "ELASTIC_APM_SERVER_URL": "http://{http}",
            "ELASTIC_APM_SERVICE_NAME": "orders",
            "ELASTIC_APM_CENTRAL_CONFIG": "false",
            "ELASTIC_APM_CLOUD_PROVIDER": "none",
        },
        is_beside=False,
    ),
    Peer(
        "epsagon",
        "Epsagon",
        ("epsagon==1.82.0",),
        {"EPSAGON_COLLECTOR_URL": "http://{http}/collect"},
        is_beside=False,
    ),
)
BY_NAME = {peer.name: peer for peer in PEERS}


def python_of(peer: Peer) -> Path:
    """Return the Python of an environment with *peer* in it, made if there is none yet."""
    purpose = f"contract-{peer.name}" if peer.requirements else "contract-bare"
    contents = _environments.Contents(purpose, (*EVERYWHERE, *peer.requirements), extras=None)
    return _environments.make(contents)


def certificate() -> Path:
    """Return a certificate, with its key, for the names that Lumigo's edge has."""
    made = _environments.HOME / "contract-edge.pem"
    if not made.exists():
        told = "DNS:*.lumigo-tracer-edge.golumigo.com"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
        command += ["-subj", "/CN=edge", "-addext", f"subjectAltName={told}"]
        part = made.with_suffix(".part")
        asked = [*command, "-keyout", part, "-out", f"{part}.crt"]
        subprocess.run(asked, check=True, capture_output=True)  # noqa: S603  # ours
        crt = Path(f"{part}.crt")
        part.write_bytes(part.read_bytes() + crt.read_bytes())
        crt.unlink()
        part.rename(made)
    return made
