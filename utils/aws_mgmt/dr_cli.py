"""The door: argv in, exit code out. ``python utils/aws_mgmt/dr_cli.py -e {dev|sit|prod} COMMAND``.

Python 3.6 can read this file, so that an old one says which is needed: no newer syntax, and late imports, belong here.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GARBAGE = (500_000, 50, 100)
_NEEDED = (3, 11)
_CANNOT_RUN, _INTERRUPTED = 3, 130
_CHECKOUT = "python utils/aws_mgmt/dr_cli.py"
_SANDBOX = {"cloudpickle", "cryptography", "moto", "werkzeug", "xmltodict"}  # modules of the extra "sandbox"
_OWN = {"dr_actions", "dr_checks", "dr_estate", "reports", "sandbox", "steps", "utils"}
_ROOT = Path(__file__).resolve().parents[2]
# As a script, Python puts this file's own folder first: imports are found from the repository's root instead.
sys.path.insert(0, str(_ROOT))
# Its own folder goes: a module in it would be imported in the place of a package of the same name.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]


def main(argv: "list[str]", program: str = _CHECKOUT) -> int:
    """Run one command of ``program``. Returns the exit code; every error is a sentence on stderr, never a traceback."""
    if sys.version_info < _NEEDED:
        return _cannot_run("needs Python {}.{} or newer".format(*_NEEDED), program)
    from utils.aws_mgmt.cli import streams

    closed = streams.prepare()
    if closed:
        sys.stderr.write(closed + "\n")
        return _CANNOT_RUN
    try:
        code = _run(argv, program)
    except KeyboardInterrupt:  # once more, while the command was telling of the first one
        sys.stderr.write("Interrupted again. What was changed is in the incident log; the same command goes on.\n")
        return _INTERRUPTED
    except SystemExit as ended:  # help, or a usage error
        code = int(ended.code or 0)
    except OSError as unwritable:  # help, by a Python that buffers nothing
        code = streams.unwritten(unwritable)
    except ImportError as missing:
        package = (missing.name or str(missing)).split(".")[0]
        if package in _SANDBOX:
            return _cannot_run(f"needs the sandbox's packages ({package})", program, "[sandbox]")
        return _cannot_run(f"needs its packages ({package})", program)
    except _WrongVersion as wrong:
        return _cannot_run(f"needs another version of {wrong}", program)
    return streams.finish(code)


def _run(argv: "list[str]", program: str) -> int:
    try:
        from dr_estate.speed import compile_dataclasses_once

        compile_dataclasses_once()
        from dr_estate.model.invocation import Program
        from dr_estate.network.open_files import allow_open_files

        with _libraries_fit():
            from utils.aws_mgmt.cli.parser import parse
        options = parse(argv, Program(program))
        allow_open_files()
        gc.set_threshold(*_GARBAGE)  # a command makes facts and keeps them: looking for garbage was a tenth of its time
        atexit.register(gc.freeze)  # nor is it looked for once more in all of them when the interpreter ends
        with _libraries_fit():
            from utils.aws_mgmt.cli.error_boundary import run_command
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Nothing was changed: the command had not begun.\n")
        return _INTERRUPTED
    return run_command(options)


class _WrongVersion(Exception):
    """A package is installed for this Python in a version that the tool cannot use."""


@contextmanager
def _libraries_fit() -> "Iterator[None]":
    """Raise _WrongVersion where an import asks for what a library of another version lacks."""
    try:
        yield
    except (AttributeError, TypeError) as odd:
        raise _WrongVersion(f"{_misfit(odd)} ({odd})") from odd


def _misfit(error: Exception) -> str:
    """Name the package that raised ``error``, or that lacks what was asked of it."""
    lacking = getattr(error, "obj", None)
    at, name = error.__traceback__, getattr(lacking, "__module__", None) or getattr(lacking, "__name__", "")
    while not name and at is not None and at.tb_next is not None:
        at = at.tb_next
    package = str(name or (at.tb_frame.f_globals["__name__"] if at else "")).split(".")[0]
    return "its packages" if package in _OWN else package


def _cannot_run(need: str, program: str, extra: str = "") -> int:
    """Say what is missing, and how this Python or which other one gets it."""
    python = "Python {}.{} ({})".format(*sys.version_info[:2], sys.executable)
    if program == _CHECKOUT:
        remedy = f"run `make setup` in {_ROOT} once, then use its own Python: `.venv/bin/{program}`"
    else:
        remedy = f"install them for it: `pip install 'aws-dr-manager{extra}'`"
    sys.stderr.write(f"AWS DR Manager {need}, and this is {python}: {remedy}.\n")
    return _CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
