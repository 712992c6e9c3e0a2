"""What a process of the tests runs: the stage's bootstrap, with the runtime's own packages last."""

import os
import runpy
import sys

sys.path.append(os.environ.pop("_PACKAGES"))
runpy.run_path(os.environ.pop("_BOOTSTRAP"), run_name="__main__")
