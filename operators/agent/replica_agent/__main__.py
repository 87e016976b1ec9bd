"""`python -m replica_agent`."""
# ruff: noqa: E402  # how the modules are imported is set first

import gc
import sys

gc.disable()  # imports leave next to no garbage, and looking for it takes a tenth of their time

from replica_agent.main import main

gc.enable()

sys.exit(main())
