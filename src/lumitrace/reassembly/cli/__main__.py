"""``python -m lumitrace.reassembly.cli`` is ``lumitrace``."""

import sys

from lumitrace.reassembly.cli import main

sys.exit(main())
