"""Writes the generated pages of docs/: checks, disasters, planes, postures, plans, settings and help, kept fresh.

``python -m utils.aws_mgmt.generate.docs_pages`` writes them.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from dr_actions.actions.registry import actions, modules
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import SEQUENCE, SequenceRow
from dr_checks.core.registry import checks
from dr_checks.derived.need_kinds import FOLLOWED
from dr_checks.posture.causes import EFFECTS
from dr_checks.posture.posture import TABLE
from dr_checks.posture.until_failback import COPIES
from dr_estate.config.environment import OF_THE_MAP, Environment
from dr_estate.config.settings import WITH_A_PART, WITHOUT_DEFAULT, ResourceNames
from dr_estate.model.aws_durations import OperationPhase, operations
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Program
from reports.render.markdown_report import control_planes
from reports.values.escaping import table_lines
from utils.aws_mgmt.cli.pages import contexts
from utils.aws_mgmt.cli.parser import COMMAND_LINE

DOCS = Path(__file__).parents[3] / "docs"
_MADE = "<!-- Made by `make docs`; edit the code, not this page. -->\n\n"
_STORE_GIB, _IMAGE_GIB, _PAGE_WIDTH = 100, 0.4, 150
_SHARED, _NO_OPTIONS = "Global options", "Options:"
_HELP = re.compile(r"\n  -h, --help +Show this message and exit\.")
_OPTION = re.compile(r"^  --.+\n(?: {8,}.+\n)*", re.MULTILINE)


def checks_page() -> str:
    """Every check: id, sentence, severity, where it looks, traps and rules; then the rules and who covers them."""
    rows = ["| check | it says that | severity | area | looks at | traps |", "|---|---|---|---|---|---|"]
    by_rule: dict[str, list[str]] = defaultdict(list)
    for check in sorted(checks().values(), key=lambda c: (c.area, c.id)):
        sides, traps = ", ".join(check.sides), ", ".join(check.traps) or "-"
        severity = f"{check.severity} or blocker" if check.stops else check.severity
        rows.append(f"| `{check.id}` | {check.says} | {severity} | {check.area} | {sides} | {traps} |")
        for rule in check.rules:
            by_rule[rule].append(f"`{check.id}`")
    needs = ["| edge | followed by | not followed, and why |", "|---|---|---|"]
    for kind, followed in FOLLOWED.items():
        names = ", ".join(f"`{name}`" for name in followed.checks) or "-"
        needs.append(f"| {kind} | {names} | {followed.reason or '-'} |")
    alike: dict[str, list[str]] = defaultdict(list)
    for rule in sorted(by_rule):
        alike[", ".join(by_rule[rule])].append(rule)
    coverage = ["| rules elsewhere | covered by |", "|---|---|"]
    coverage += [f"| {', '.join(rules)} | {covering} |" for covering, rules in alike.items()]
    return (
        f"# The checks\n\n{_MADE}{len(checks())} checks. Each is one function in `dr_checks/` and one scenario in "
        "`features/`.\nTraps are the facts of docs/traps.md.\n\n"
        + "\n".join(rows)
        + "\n\n## What the DR region needs on the day\n\n`dr_cli.py explain needs TENANT` prints the edges of "
        "one tenant, from its service down to keys, routes and copies.\n\n"
        + "\n".join(needs)
        + "\n\n## Rules of other systems\n\n"
        + "\n".join(coverage)
        + "\n"
    )


_ANSWERS = """\
## What `status` answers in it

The screen begins with the posture and since when it lasts, who is served and who takes writes, what would be lost, the
gaps by cause, and the next command on a line of its own; then the areas, the causes, what was not seen, and where the
files are. It is 40 lines at most; `--all` and the page list every finding.

- A failed blocker is NOT_READY, exit 1, whatever else is unseen. CANNOT_SAY, exit 3, is for what could not be judged
  without one.
- In ON_DR and RETURNING the answer is UNPROTECTED, exit 1, where the DR region serves and nothing is wrong but what the
  failback ends: the health check that holds the primary's record down, the records that lead here, what only a silent
  primary could answer, and the copies that it sent: {copies}.
  These are counted and not listed, in SPLIT too.
- While the primary region is silent the next command is no failback: `status --watch` shows when it answers again. The
  end of a failover says the same.
- A failback that waits says what for, and until when; what is broken comes first, with its remedy. In RETURNING with
  the primary region as the only writer nothing is to be failed back: the next command names what divides the visitors.
- Beside a run at work the next command is the one that shows that run, whatever is weighed.
- One service that fails is named, and is no silent region.

## Causes before effects

Where the check on the left failed, those on the right are its effects: they are folded below it, where they are about
the same tenant, region and store.

| cause | effects |
|---|---|
{effects}
"""


def posture_page() -> str:
    """The table of postures, in the order in which its rows are tried."""
    rows = "\n".join(
        f"{n}. **{row.posture.name}**: {row.posture.says.replace('{failing}', 'N of M tenants (by name)')}"
        for n, row in enumerate(TABLE, 1)
    )
    copies, effects = ", ".join(f"`{name}`" for name in sorted(COPIES)), "\n".join(_effects())
    answers = _ANSWERS.format(copies=copies, effects=effects)
    return (
        f"# Postures\n\n{_MADE}Observed each time, never remembered. The first row that holds is the posture. A lost "
        "primary region needs two\nindependent witnesses: its API is silent, and the health check on its traffic "
        f"fails.\n\n{rows}\n\n{answers}"
    )


def _effects() -> list[str]:
    return [f"| `{cause}` | {', '.join(f'`{name}`' for name in sorted(names))} |" for cause, names in EFFECTS.items()]


def sequence_page() -> str:
    """The order of every plan: one table a goal; of a switchover what differs from a failover."""
    message = (
        "One table a goal, as in `dr_actions/model/sequence.py`. Stages run one after another, the steps of one stage "
        "and action at once. An action has a step for each subject, and none where there is nothing to do. Planes are "
        "the control planes that its call needs; `-` stands for the one of the step's own region, or none where it "
        "only looks."
    )
    parts = [f"# The order of a plan\n\n{_MADE}{_paragraphs(message)}"]
    columns = ("stage", "playbook step", "action", "what it does", "owner", "role", "planes")
    head = table_lines(columns, ())
    failover = [_row_of_sequence(row) for row in SEQUENCE[Goal.FAILOVER]]
    for goal, rows in SEQUENCE.items():
        lines = [_row_of_sequence(row) for row in rows]
        parts.append(f"## {goal.capitalize()}")
        if goal is Goal.SWITCHOVER:
            without = ", ".join(
                f"`{row.prefix}`" for row in SEQUENCE[Goal.FAILOVER] if _row_of_sequence(row) not in lines
            )
            parts.append(f"A failover without {without or 'anything less'}, and with these:")
            lines = [line for line in lines if line not in failover]
        parts.append("\n".join([*head, *lines]))
    return "\n\n".join(parts) + "\n"


def _row_of_sequence(row: SequenceRow) -> str:
    stages = f"{row.stage}" if row.most == 1 else f"{row.stage}-{row.stage + row.most - 1}"
    step = f"{row.playbook.number} {row.playbook.name}" + (f"; {row.last.number} {row.last.name}" if row.last else "")
    path = f"../{modules()[row.action].__name__.replace('.', '/')}.py"
    does = actions()[row.action].does
    action = f"[`{row.action}`]({path})" + (f" (`{row.part}`)" if row.part else "")
    owner, planes = row.owner or row.playbook.owner, " and ".join(row.planes)
    cells = (stages, step, action, does, owner, row.role or "-", planes or "-")
    return f"| {' | '.join(cells)} |"


def planes_page() -> str:
    """The control-plane map of both playbooks."""
    message = "A control plane can be down while the services it made still run. Reads and data planes are not listed."
    return f"# Control planes\n\n{_MADE}{message}\n\n" + "\n".join(control_planes()) + "\n"


def disasters_page() -> str:
    """The matrix of the sandbox's disasters: checks it must turn, those it may turn beside them, posture and answer."""
    from sandbox.disasters import ANYTHING, catalogue  # the emulator is a second to import

    head = ("disaster", "what happens", "trips", "consequences", "posture", "answer")
    rows = table_lines(head, ())
    for found in catalogue():
        beside = "whatever looks there" if found.consequences == ANYTHING else _ids(found.consequences)
        trips = f"none: {found.unseen}" if found.unseen else _ids(found.trips)
        rows.append(f"| `{found.name}` | {found.sentence} | {trips} | {beside} | {found.posture} | {found.answer} |")
    message = (
        f"{len(rows) - 2} ways to break the sandbox: `sandbox break NAME`, `sandbox mend NAME`. A test plays each, and "
        "proves that it turns the checks it trips, and beside them none but its consequences, and what is said of it: "
        "the posture, and the answer of `failover`. `-` is where the credentials are refused and nothing is judged "
        "(exit 3). What is not said yet as it stands here is listed in `tests/proofs/test_matrix.py`."
    )
    return f"# The disasters\n\n{_MADE}{_paragraphs(message)}\n\n" + "\n".join(rows) + "\n"


def _ids(checks_named: tuple[str, ...]) -> str:
    return ", ".join(f"`{check}`" for check in checks_named) or "-"


_SETTINGS = """\
Name patterns use `{env}`, `{tenant}` and `{bucket}`. Unknown keys are refused. Use your own folder of files with
`--config DIR`; accepted gaps go into `exceptions.toml` beside them, and what the estate is made of into
`NAME.map.toml`, which `init` writes ([the map file](scan.md#the-map-file)).

What several files say alike stands once, in a base: with `base = "x"`, the tables of `x.base.toml` hold where the file
says nothing. It is looked for beside the file, then among the shipped ones; what it says is part of the rules that an
approver pins. How the estate's resources are called has no default: a file that says it neither itself nor by its base
or its map is refused, and the missing keys are named."""


def environments_page() -> str:
    """Every key of an environment file, its type, default and meaning of its table."""
    lines = ["# The environment file", "", _MADE.strip(), "", _paragraphs(inspect.getdoc(Environment) or ""), ""]
    lines += [_paragraphs(_SETTINGS), "", "| key | type | default |", "|---|---|---|"]
    fields = {name: field for name, field in Environment.model_fields.items() if name not in OF_THE_MAP}
    lines += [_key(name, field) for name, field in fields.items() if _table_of(field) is None]
    for name, field in fields.items():
        table = _table_of(field)
        if table is not None:
            lines += [
                "",
                f"## [{name}]",
                _paragraphs(inspect.getdoc(table) or ""),
                "",
                "| key | type | default |",
                "|---|---|---|",
            ]
            needed = _required_defaults() if table is ResourceNames else {}
            lines += [_key(key, inner, needed.get(key, "")) for key, inner in table.model_fields.items()]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> str:
    """The paragraphs of a text, each as wide as a page."""
    found = text.split("\n\n")
    return "\n\n".join(textwrap.fill(part, _PAGE_WIDTH, break_long_words=False) for part in found)


def _table_of(field: Any) -> type[BaseModel] | None:
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _required_defaults() -> dict[str, str]:
    """What stands for the default of a name that a file says."""
    of_parts = {key: f"**required** with `{part}`" for part, keys in WITH_A_PART.items() for key in keys}
    return {**dict.fromkeys(WITHOUT_DEFAULT, "**required**"), **of_parts}


def _key(name: str, field: Any, needed: str = "") -> str:
    default = "**required**" if field.is_required() else _value_text(field.get_default(call_default_factory=True))
    return f"| `{name}` | {_type_text(field.annotation)} | {needed or default} |"


def _type_text(annotation: Any) -> str:
    """The type as a reader knows it: without what pydantic adds for its validation, and an enum by its values."""
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(f"'{member}'" for member in annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None:
        return "None" if annotation is NoneType else annotation.__name__
    if origin is Annotated:
        return _type_text(inner[0])
    if origin is Literal:
        return " or ".join(repr(value) for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(_type_text(part) for part in inner)
    return f"{origin.__name__}[{', '.join(_type_text(part) for part in inner)}]"


def _value_text(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, StrEnum) else repr(value)
    return f"`{text}`".replace("|", "\\|")


def help_page() -> str:
    """The help of every command, wider; what all of them take, and what a list above says, stands there alone."""
    message = "Every command takes the global options too. They, `--help` and what each command does are listed once."
    pages, known = [f"# The command line\n\n{_MADE}{message}\n\n"], set[str]()
    for ctx in contexts(COMMAND_LINE, Program.CHECKOUT):
        ctx.terminal_width = ctx.max_content_width = _PAGE_WIDTH
        title = ctx.command_path.removeprefix(Program.CHECKOUT.short).strip()
        sections = (_HELP.sub("", ctx.get_help()) if title else ctx.get_help()).split("\n\n")
        sections = sections[2:] if title else sections  # the title says how it is called, a list above what it does
        text = "\n\n".join(part for part in sections if part not in known and part != _NO_OPTIONS)
        known |= {part for part in sections if part.startswith(_SHARED)}
        text = text.replace("\n\n", "\n").replace("\nExamples:\n", "\n") if title else text
        if title in ("failback", "fence"):  # most of their options are a run's, whatever its goal
            text = _OPTION.sub(lambda option: "" if option[0] in "".join(pages) else option[0], text)
            text = text.replace(_NO_OPTIONS, "Options, beside those of `failover` up to --report:")
        pages.append(f"## {title}\n" * bool(title) + f"```\n{text}\n```\n")
    return "".join(pages).rstrip() + "\n"


def durations_page() -> str:
    """How long AWS takes for each operation: states, median, what nine of ten take, standing and source."""
    rows = ["| operation | passes through | median | nine of ten | standing | source |", "|---|---|---|---|---|---|"]
    for row in operations().values():
        passed = ", ".join(_phase(phase) for phase in row.phases)
        through = passed + (f" (a run goes on in {row.done_in})" if row.done_in else "")
        gib = _IMAGE_GIB if row.id == "ecs.start-task" else _STORE_GIB
        median, most = (duration(row.seconds(quantile, gib=gib)) for quantile in (0.5, 0.9))
        rows.append(f"| `{row.id}` | {through} | {median} | {most} | {row.standing} | {row.source} |")
    message = (
        "One table (`dr_estate/model/aws_durations.toml`) for both: the sandbox plays it (`sandbox up --pace real`), "
        "and a plan's estimate uses it where no past runs give a better number. What is `assumed` was seen nowhere: "
        "a drill measures it, and then goes before the table. Seconds grow by size: GiB, 1,000 files or objects. "
        f"Median and nine of ten are those of {_STORE_GIB} GiB stored, and of an image of {_IMAGE_GIB} GiB."
    )
    return f"# How long AWS takes\n\n{_MADE}{_paragraphs(message)}\n\n" + "\n".join(rows) + "\n"


def _phase(phase: OperationPhase) -> str:
    units = {"gib": "GiB", "kfiles": "1,000 files", "kobjects": "1,000 objects"}
    shares = "".join(f" + {share:g} s a {units[unit]}" for unit, share in phase.per_unit_s.items())
    return f"{phase.state} {phase.base_s:g} s{shares}".replace("a 1,000", "per 1,000")


PAGES: dict[str, Callable[[], str]] = {
    "checks.md": checks_page,
    "control-planes.md": planes_page,
    "disasters.md": disasters_page,
    "durations.md": durations_page,
    "posture.md": posture_page,
    "sequence.md": sequence_page,
    "environments.md": environments_page,
    "commands.md": help_page,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
