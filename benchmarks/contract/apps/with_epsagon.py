"""Epsagon, which was discontinued and is still installed.

https://pypi.org/project/epsagon/
"""

import os

import epsagon

epsagon.init(
    token="0123456789",  # noqa: S106  # nobody's
    app_name="orders",
    metadata_only=False,
    collector_url=os.environ["EPSAGON_COLLECTOR_URL"],
)
wrap = epsagon.lambda_wrapper
