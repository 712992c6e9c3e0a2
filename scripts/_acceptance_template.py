"""The template of Ushop as `scripts/acceptance` deploys it: with the layer, code from a bucket."""

from __future__ import annotations

import _environments

STACK = "lumitrace-acceptance"
_PARAMETERS = """\
Parameters:
  CodeBucket:
    Type: String
  FunctionsKey:
    Type: String
    Default: functions.zip
  LayerKey:
    Type: String
    Default: layer.zip

Globals:
"""
_GLOBALS = """\
    CodeUri:
      Bucket: !Ref CodeBucket
      Key: !Ref FunctionsKey
    Layers:
      - !Ref Lumitrace
    Environment:
      Variables:
        AWS_LAMBDA_EXEC_WRAPPER: /opt/lumitrace
"""
_LAYER = """\
Resources:
  Lumitrace:
    Type: AWS::Serverless::LayerVersion
    Properties:
      LayerName: lumitrace-acceptance
      ContentUri:
        Bucket: !Ref CodeBucket
        Key: !Ref LayerKey
      CompatibleRuntimes:
        - python3.13

"""
_JSON = """\
      FunctionName: ushop_loyalty
      LoggingConfig:
        LogFormat: JSON
"""
_CHANGES = (
    ("Globals:\n", _PARAMETERS),
    ("    CodeUri: functions/\n", _GLOBALS),
    ("Resources:\n", _LAYER),
    ("      FunctionName: ushop_loyalty\n", _JSON),
)


def text() -> str:
    """Return the template.

    Raises:
        ValueError: Ushop's own has changed, and what stands here does not fit it.
    """
    found = (_environments.ROOT / "examples/ushop/template.yaml").read_text("utf-8")
    for before, after in _CHANGES:
        if found.count(before) != 1:
            message = f"examples/ushop/template.yaml has {before!r} not once; adapt this file"
            raise ValueError(message)
        found = found.replace(before, after)
    return found
