"""The door: argv in, exit code out. ``python utils/aws_mgmt/dr_cli.py -e {dev|sit|prod} COMMAND``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

_GARBAGE = (50_000, 50, 100)
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]


def main(argv: list[str]) -> int:
    """Run one command. Returns the exit code; every error is a sentence on stderr, never a traceback."""
    from utils.aws_mgmt.arguments import parse

    request = parse(argv)
    gc.set_threshold(*_GARBAGE)  # a command makes facts and keeps them: looking for garbage was a tenth of its time
    from utils.aws_mgmt.wall import behind_the_wall

    return behind_the_wall(request)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
