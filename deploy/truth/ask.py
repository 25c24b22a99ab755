"""Ask a throw-away AWS account what its documentation does not settle: see README.md, or --help."""

import sys

from truth_kit.command import main

sys.exit(main())
