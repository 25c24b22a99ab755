"""Several environments at once: which they are, and a process of its own for the look at each of them."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from dr_estate.config.environment import EnvironmentFileError, environment_names, load_environment
from dr_estate.config.given_file import bytes_of
from reports.values.fleet import FleetMember
from reports.values.stored_report import StoredReport, StoredReportError, read_report
from utils.aws_mgmt.app.dialog import Advance
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import EXITS, Exit
from utils.aws_mgmt.app.options import EVERY, ROOT, Options, ReportOptions, StatusOptions

_PLACE = "{env}"
_OWN_FILES = ("save_evidence", "from_evidence", "baseline", "metrics", "record")
_PRELOADED = [
    "utils.aws_mgmt.cli.dispatch",
    "utils.aws_mgmt.cli.commands.status",
    "reports.publish",
    "allure_pytest.plugin",
]
_GITHUB = "GITHUB_ACTIONS"
_JUDGED = (Exit.READY, Exit.NOT_READY)
_BAD: Mapping[str, int] = {answer: number for number, answer in enumerate(EXITS)}


@dataclass(frozen=True)
class Look:
    """One look of a fleet: its options, its environment variables, and the file that its report is printed into.

    ``account`` is the one whose rates of calls it spends, "" where it calls nothing or its file names none.
    """

    options: StatusOptions
    variables: Mapping[str, str]
    report: Path
    account: str = ""

    @property
    def log(self) -> Path:
        """The file that its notes are written into."""
        return self.report.with_suffix(".log")


# What a process does with its look: it sends the exit code, and why nothing was judged.
Looking = Callable[[Look, "Connection[tuple[int, str], None]"], None]


def names_of(options: Options) -> tuple[str, ...]:
    """The environments that ``-e`` names, each once. Raises UsageError where there is none."""
    if options.environment == EVERY:
        names = environment_names(options.config)
    else:
        names = [name.strip() for name in options.environment.split(",")]
    if not names or not all(names):
        raise UsageError(f"-e {options.environment} names no environment file of {options.config}.")
    return tuple(dict.fromkeys(names))


def expected_names(options: ReportOptions) -> tuple[str, ...]:
    """The environments of which runs should be there: those of ``-e`` or of the file, none where neither is given.

    The file is JSON with ``environments``, a list of objects with ``environment``: the input of an execution, or an
    earlier ``fleet.json``. Raises UsageError where it names none, and where both are given.
    """
    path = options.expected
    if path is None:
        return names_of(options) if options.environment else ()
    if options.environment:
        raise UsageError("Say which environments there should be by -e or by --expected, and not by both.")
    try:
        names = tuple(dict.fromkeys(str(row["environment"]) for row in json.loads(bytes_of(path))["environments"]))
    except OSError as unreadable:
        raise UsageError(f"{path}: cannot be read: {unreadable.strerror}.") from unreadable
    except (ValueError, RecursionError) as wrong:
        raise UsageError(f"{path} is no JSON.") from wrong
    except (KeyError, TypeError):
        names = ()
    if not names or not all(names):
        raise UsageError(
            f'{path} names no environment: it is JSON such as {{"environments": [{{"environment": "sit"}}]}}.'
        )
    return names


def looks_of(options: StatusOptions, folder: Path) -> tuple[Look, ...]:
    """A look for each environment of ``options``; its report is printed into ``folder``.

    Raises UsageError for a file that all of them would write, or be judged by.
    """
    for name in _OWN_FILES:
        given = getattr(options, name)
        if given is not None and _PLACE not in str(given):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} of several environments needs {_PLACE} in its name: each has one of its own.")
    variables = {name: value for name, value in os.environ.items() if name != _GITHUB}
    return tuple(
        Look(_alone(options, name), variables, folder / f"{name}.json", _account_of(options, name))
        for name in names_of(options)
    )


def _account_of(options: StatusOptions, name: str) -> str:
    if options.sandbox or options.from_evidence:
        return ""
    try:
        return load_environment(options.config, name).account
    except EnvironmentFileError:  # its own process reports it
        return ""


def _alone(options: StatusOptions, name: str) -> StatusOptions:
    """The options for one environment alone."""
    files: dict[str, Path | None] = {file: getattr(options, file) for file in _OWN_FILES}
    own: dict[str, Any] = {file: path and Path(str(path).replace(_PLACE, name)) for file, path in files.items()}
    profile = options.profile.replace(_PLACE, name)
    # workers=0: here the number counts environments at once, and each judges in its own process alone.
    return replace(options, environment=name, profile=profile, format="json", workers=0, **own)


def look_at(looks: Sequence[Look], looking: Looking, advance: Advance, at_once: int = 0) -> list[FleetMember]:
    """Look at each environment in a process of its own, ``at_once`` of them (0: two for each processor).

    Those of one account are looked at one after another: AWS limits the calls of an account, and each process spends
    nearly all that it allows.

    A process that dies is an environment that was not seen, and stops no other. All are stopped with this one.
    """
    waiting, running, found = list(looks), list[_Running](), list[FleetMember]()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    places = at_once or 2 * (os.cpu_count() or 1)
    try:
        while waiting or running:
            while len(running) < places and (look := _next(waiting, {begun.look.account for begun in running})):
                waiting.remove(look)
                with _rooms_on_path():
                    running.append(_Running.begin(look, looking, context))
            # Answers are awaited too: a process whose answer is longer than the pipe holds ends once it was read.
            wait([end for begun in running for end in begun.ends])
            for begun in running:
                begun.receive()
            ended = [begun for begun in running if begun.process.exitcode is not None]
            running = [begun for begun in running if begun not in ended]
            found += [begun.member() for begun in ended]
            advance("Environments", len(found), len(looks))
    finally:
        for begun in running:
            begun.stop()
    return found


def _next(waiting: Sequence[Look], busy: Set[str]) -> Look | None:
    """The look to begin: of the accounts that nobody reads now, one of that which most looks wait for."""
    waiting_for = Counter(look.account for look in waiting)
    free = [look for look in waiting if not look.account or look.account not in busy]
    return max(free, key=lambda look: waiting_for[look.account], default=None)


@dataclass
class _Running:
    """A process that looks, the end of the pipe on which it answers, and its answer once that is there."""

    look: Look
    process: BaseProcess
    answers: Connection[None, tuple[int, str]]
    answer: tuple[int, str] | None = None

    @classmethod
    def begin(cls, look: Look, looking: Looking, context: multiprocessing.context.ForkServerContext) -> _Running:
        answers, sender = context.Pipe(duplex=False)
        process = context.Process(target=looking, args=(look, sender), daemon=True)
        process.start()
        # This side's copy: with it open, recv would wait for an answer of a process that died.
        sender.close()
        return cls(look, process, answers)

    @property
    def ends(self) -> list[Any]:
        """What is waited for: the process's end, and its answer, which may be longer than the pipe holds."""
        return [self.process.sentinel, *([] if self.answers.closed else [self.answers])]

    def receive(self) -> None:
        """Take its answer where there is one now, or note that there will be none."""
        if self.answers.closed or not self.answers.poll():
            return
        try:
            self.answer = self.answers.recv()
        except (EOFError, OSError):  # it ended before its answer did
            self.answer = None
        self.answers.close()

    def member(self) -> FleetMember:
        """What is known of the environment, once the process has ended."""
        self.process.join()
        self.receive()
        self.answers.close()
        code, reason = self.answer or (int(Exit.COULD_NOT_SEE), f"Its process ended with {self.process.exitcode}.")
        return member_of(self.look, code, reason)

    def stop(self) -> None:
        self.process.terminate()
        # Joined, so that no look writes into the folder when its temporary files are removed.
        self.process.join()


def member_of(look: Look, code: int, reason: str) -> FleetMember:
    """The environment of a look by its exit code and the report that it printed. What was not judged is never green."""
    name = look.options.environment
    if not reason:
        try:
            report = read_report(look.report)
        except StoredReportError as none:
            reason = str(none)
        else:
            return FleetMember(name, code, report, folder=report.folder)
    # A code that says "judged" without a report that can be read was not seen: it is never green.
    return FleetMember(name, int(Exit.COULD_NOT_SEE) if code in _JUDGED else code, reason=reason)


def member_of_file(path: Path, report: StoredReport) -> FleetMember:
    """The environment of a report that lies in a file. Its results decide: what it says of itself proves nothing good.

    What it says worse of itself stays: it may have been judged by more than it kept. Raises UsageError for
    an exit code that is none.
    """
    if report.exit not in set(Exit):
        raise UsageError(f"{path} is no report of this tool: {report.exit} is no exit code.")
    folder, judged = path if path.is_dir() else path.parent, report.recommendation_by_results
    seen, own = EXITS[judged], report.exit
    code = own if report.gated else max(own, seen)
    answer = max(report.recommendation, judged, key=lambda word: _BAD.get(word, -1))
    name, doubt = report.environment, ""
    if report.gated and own < seen:
        doubt = f"{name}: exit {own} is by the rules of its gate; by its results it is {judged}, exit {seen}."
    elif answer != report.recommendation:
        claim = f"its report says {report.recommendation}, exit {own}"
        doubt = f"{name}: {claim}, and its results say {judged}, exit {seen}: exit {code} counts."
    elif code != own:
        doubt = f"{name}: exit {own} is not that of its results: {judged}, exit {seen}, which counts."
    return FleetMember(name, code, replace(report, recommendation=answer), folder=folder, doubt=doubt)


@contextmanager
def _rooms_on_path() -> Iterator[None]:
    """Let the process that all others are forked from import the tool, wherever this one was begun."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([before] if before else [])])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
