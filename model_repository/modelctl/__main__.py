"""`python -m modelctl`."""

import sys

from modelctl.main import main

sys.exit(main())
