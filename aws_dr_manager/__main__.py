"""Starts the installed product: the command ``dr``, and ``python -m aws_dr_manager``.

The wheel puts the rooms beside this file and off ``sys.path``: `utils` or `reports` are names that other packages have.
"""
# No __init__.py: pytest would name conftest.py, which the wheel puts here too, after this package.

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE if (_HERE / "utils" / "aws_mgmt").is_dir() else _HERE.parent  # a wheel, else a checkout
sys.path.insert(0, str(_ROOT))


def main(program: str = "dr") -> int:
    """Run the command line of this process; ``program`` is how it was called. Returns the exit code."""
    from utils.aws_mgmt import dr_cli

    return dr_cli.main(sys.argv[1:], program)


if __name__ == "__main__":
    sys.exit(main("python -m aws_dr_manager"))
