"""What was believed and not run: each claim in the docs has its check, and the script is safe."""

import functools
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch

boto3 = pytest.importorskip("boto3")

ROOT = Path(__file__).parents[1]
NIGHT = ROOT / "examples/ushop/recorded/night.jsonl"
PAGE = (ROOT / "docs/assumptions.md").read_text("utf-8")


def test_a_profile_that_is_none_is_told(script, monkeypatch, tmp_path):
    """Before anything is made: one sentence."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    shop = script("_acceptance_shop")

    with pytest.raises(shop.AcceptanceError, match="check --profile"):
        shop.Shop("nobody", "eu-west-1")


KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-west-1"}


@pytest.fixture
def script(monkeypatch):
    """A module of scripts/acceptance."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.fixture
def claims(script):
    """The checks, by the names of their claims."""
    return {claim.name: claim.check for claim in script("_acceptance_claims").CLAIMS}


def test_each_claim_has_its_check_and_each_check_its_claim(claims):
    """The table of the docs and the checks of the script name the same, in the same order."""
    checked = PAGE.partition("## Checked by")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `([a-z-]+)` \|", checked, re.MULTILINE) == list(claims)


def test_a_place_in_the_code_that_the_page_names_is_there():
    """Files move; who believes something has to be found."""
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([\w/]+(?:/|\.py))`", row)}
    package = ROOT / "src/lumitrace"
    missing = [
        name
        for name in named
        if not any((folder / name).exists() for folder in (package, package / "reassembly"))
    ]

    assert named
    assert missing == []


def test_the_readme_says_that_it_was_never_run():
    """Whoever runs it writes the date there."""
    readme = (ROOT / "README.md").read_text("utf-8")

    assert "`scripts/acceptance` has never been run" in readme


def test_cfn_lint_finds_nothing_in_the_template_that_is_deployed(script):
    """Ushop's own template, with the layer."""
    lint = pytest.importorskip("cfnlint.api")

    text = script("_acceptance_template").text()

    assert [f"{one.rule.id} {one.message}" for one in lint.lint(text, regions=["eu-west-1"])] == []
    assert "AWS_LAMBDA_EXEC_WRAPPER: /opt/lumitrace" in text
    assert "LogFormat: JSON" in text


def test_no_account_is_used_that_is_not_named():
    """Not even the default one."""
    command = [sys.executable, str(ROOT / "scripts/_acceptance.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "--profile is needed" in done.stderr


def test_what_was_there_before_is_not_removed(script, monkeypatch, tmp_path):
    """An account that has functions called ushop_…: nothing is made, and nothing removed."""
    moto = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    (tmp_path / "config").write_text("[profile p]\n", "utf-8")
    (tmp_path / "keys").write_text(
        "[p]\naws_access_key_id = k\naws_secret_access_key = s\n", "utf-8"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    moto.start()
    host, port = moto.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    try:
        made = script("_acceptance_shop")
        shop = made.Shop("p", "eu-north-1")  # moto is one for all tests of a process
        monkeypatch.setattr(made.Shop, "_stacks", lambda _: set())  # moto's needs 16 packages more
        shop.client("logs").create_log_group(logGroupName="/aws/lambda/ushop_mine")

        with pytest.raises(made.AcceptanceError, match="the account has log groups"):
            shop.deploy()

        assert shop.remove() == []
        [group] = shop.client("logs").describe_log_groups()["logGroups"]
        assert group["logGroupName"] == "/aws/lambda/ushop_mine"
        buckets = [one["Name"] for one in shop.client("s3").list_buckets()["Buckets"]]
        assert [name for name in buckets if made.STACK in name] == []
    finally:
        moto.stop()


# The checks themselves, where something here plays what they ask.


class Night:
    """What a check asks of the shop, answered from the recorded night."""

    def __init__(self):
        self.lost = self.answer("why")["impact"]["ids"]
        listed = self.answer("transactions", "--limit", "1000")["transactions"]
        self.sold = [one["tags"]["saleId"] for one in listed if one["state"] == "ok"]

    @staticmethod
    @functools.cache
    def answer(*arguments):
        """Ask the night, whatever log groups are named."""
        words = [word for word in arguments if word not in {"--since", "1h"}]
        if "--log-group" in words:
            at = words.index("--log-group")
            words[at : at + 2] = []
        command = [sys.executable, "-m", "lumitrace.reassembly.cli", *words, str(NIGHT), "--json"]
        environment = {"PATH": "", "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        return json.loads(done.stdout)

    def why(self, *more):
        """Ask why."""
        return self.answer("why", *more)


def test_the_checks_of_the_answers_hold_for_the_recorded_night(claims):
    """They look at what is there: what the answers of a real account would say."""
    night = Night()
    names = ("layer-traces", "lines-arrive-whole", "lost-is-what-was-lost")
    names += ("exact-hops", "attempts-share-a-request")

    found = {name: claims[name](night) for name in names}
    assert [(name, seen) for name, (holds, seen) in found.items() if not holds] == []


def test_the_checks_of_patterns_hold_for_the_play(claims):
    """TestMetricFilter, as AWS's pages say it answers."""

    class Shop:
        """The one client that they ask for."""

        def __init__(self, endpoint):
            self.logs = boto3.client("logs", endpoint_url=endpoint, **KEYS)

        def client(self, service):
            assert service == "logs"
            return self.logs

    with CloudWatch(Groups()) as play:
        shop = Shop(play.endpoint)
        names = [name for name in claims if "pattern" in name]
        found = {name: claims[name](shop) for name in names}
        shop.logs.close()

    assert len(names) == 4
    assert [(name, seen) for name, (holds, seen) in found.items() if not holds] == []
