import sys

from rollout_operator.main import main

sys.exit(main())
