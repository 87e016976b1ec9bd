"""`python -m replica_agent`."""

import sys

from replica_agent.main import main

sys.exit(main())
