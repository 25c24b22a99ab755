"""The python of somebody's checkout, whose commands begin with everything imported: a second is spared with each.

``python quick_python.py CHECKOUT DOOR`` is one process a checkout. It imports the command line of that checkout, takes
orders at the socket DOOR, and forks for each: arguments, variables, folder and streams are those of who asks.
It ends when its stdin does. What the shell finds as ``python`` (``asking``) orders where dr_cli.py is asked for, and is
the real one else. Commands that begin with an import are met in tests/utils and by the tour.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from pathlib import Path

STREAMS = (0, 1, 2)
MOST = 1 << 20
_ASKING = """#!{python} -SE
import json, os, signal, socket, sys
if sys.argv[1:2] != ["utils/aws_mgmt/dr_cli.py"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as door:
    door.connect({door!r})
    order = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(door, [len(order).to_bytes(4)], [0, 1, 2])
    door.sendall(order)
    pid = int.from_bytes(door.recv(4))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    ended = door.recv(4)
    sys.exit(int.from_bytes(ended) if ended else 99)
"""


def asking(python: Path, door: Path) -> str:
    """The script that a shell finds as ``python``."""
    return _ASKING.format(python=str(python), door=str(door))


def main(checkout: str, door: str) -> None:
    """Import the checkout's command line, and fork for each order."""
    os.chdir(checkout)
    sys.path[:] = [checkout, *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent.resolve())]
    gc.disable()
    _warm()
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what answered
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(door)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        poll = select.poll()
        for file in (sys.stdin, listening):
            poll.register(file, select.POLLIN)
        while sys.stdin.fileno() not in dict(poll.poll()):
            order, _ = listening.accept()
            with order:
                if not os.fork():
                    listening.close()
                    _answer(order)


def _warm() -> None:
    import utils.aws_mgmt
    from dr_actions.actions.registry import actions
    from dr_estate.aws.read_client import Credentials, ReadClient
    from dr_estate.config.environment import Side, load_environment
    from dr_estate.snapshot.registry import reads

    found = {module.name for module in pkgutil.walk_packages(utils.aws_mgmt.__path__, "utils.aws_mgmt.")}
    for name in sorted(found - {"utils.aws_mgmt.dr_cli"}):
        importlib.import_module(name)
    for name in ("pytest_bdd.plugin", "reports.allure.plugin", "steps.judging", "reports.publish"):
        importlib.import_module(name)
    actions()
    environment = load_environment(Path("environments"), "sit")
    client = ReadClient(environment, reads(), Credentials("http://127.0.0.1:9", "nobody", "nothing"))
    for service in sorted({operation.partition(":")[0] for operation in reads()}):  # their models are read with them
        client.account.ordinary(service, environment.region(Side.DR))


def _answer(order: socket.socket) -> None:
    """Run what is asked for in a process of its own, and say which, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, streams, _, _ = socket.recv_fds(order, 4, len(STREAMS))
    with order.makefile("rb") as words:
        argv, variables, folder = json.loads(words.read(int.from_bytes(length)))
    pid = os.fork()
    if not pid:
        order.close()
        _play(argv, variables, folder, streams)
    order.sendall(pid.to_bytes(4))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    order.sendall((code if code >= 0 else 128 - code).to_bytes(4))
    os._exit(0)


def _play(argv: list[str], variables: dict[str, str], folder: str, streams: list[int]) -> None:
    code = 99
    try:
        os.setpgid(0, 0)  # a signal meets it by its shell's python alone
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = (  # those that were inherited still think of what they were opened upon
            os.fdopen(stream, mode, encoding="utf-8", closefd=False) for stream, mode in enumerate(("r", "w", "w"))
        )
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(folder)
        sys.argv = argv
        runpy.run_path(argv[0], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
