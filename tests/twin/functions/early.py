"""The same handler, decorated."""

import zero
from door import traced

handler = traced(name="early", tags={"team": "sales"})(zero.handler)
