"""Ask a throw-away AWS account what its documentation does not settle: see README.md, or --help."""

import signal
import sys

from truth_kit.command import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made is taken away, as after Ctrl-C
sys.exit(main())
