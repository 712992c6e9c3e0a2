"""AWS's X-Ray SDK, patching what it knows.

https://docs.aws.amazon.com/lambda/latest/dg/python-tracing.html
"""

from aws_xray_sdk.core import patch_all, xray_recorder

patch_all()
wrap = xray_recorder.capture("handler")
