# ruff: noqa: E402  # how the modules are imported is set first

import gc
import sys

gc.disable()  # imports leave next to no garbage, and looking for it takes a tenth of their time

from rollout_operator.main import main

gc.enable()

sys.exit(main())
