"""What the operator asked for: one frozen value for each command, upon the part that all commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dr_estate.model.invocation import Program

if TYPE_CHECKING:
    from dr_actions.model.gates import Override

EVERY = "all"
ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "environments"
# Whether this is a wheel's copy: that has its launcher beside the rooms, a checkout has it in a folder of its own.
INSTALLED = (ROOT / "__main__.py").is_file()


def state_folder() -> Path:
    """Return the folder of this user's state: below XDG_STATE_HOME, else below ~/.local/state."""
    from platformdirs import user_state_path

    return user_state_path("aws-dr-manager")


def version() -> str:
    """Return the version of this tool, a checkout's or a wheel's."""
    import tomllib

    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def results_folder() -> Path:
    """Return where results and journals lie without --output. It is the same from whatever folder a command is run."""
    return state_folder() / "reports" if INSTALLED else ROOT / "reports" / "out"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every command takes. ``command`` names it in reports and folders.

    ``usual_person``: whose keys it takes in the sandbox where --as names none.
    """

    command: ClassVar[str] = ""
    usual_person: ClassVar[str] = "reader"
    environment: str = ""
    config: Path = SHIPPED
    sandbox: bool = False
    person: str = ""
    tenants: int | None = None
    speed: float | None = None
    only_tenants: tuple[str, ...] = ()
    format: str = "terminal"
    workers: int = 0
    output: Path = field(default_factory=results_folder)
    save_evidence: Path | None = None
    from_evidence: Path | None = None
    exceptions: Path | None = None
    record: Path | None = None
    deadline_s: int | None = None
    html: bool = False
    every_finding: bool = False
    program: Program = Program.CHECKOUT
    profile: str = ""
    debug: bool = False

    @property
    def several(self) -> bool:
        """Whether more than one environment is meant: all of them, or a list with commas."""
        return self.environment == EVERY or "," in self.environment

    @property
    def keys_of(self) -> str:
        """Whose keys the command takes in the sandbox."""
        return self.person or self.usual_person

    @property
    def acts(self) -> bool:
        """Whether the command changes the estate: a sandbox that it starts for itself is a hurried one."""
        return False

    def shared_options(self) -> dict[str, Any]:
        """The part that all commands share, for the options of another command."""
        return {part.name: getattr(self, part.name) for part in fields(Options)}


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(Options):
    """Of `doctor`; ``start``: have AWS start the recovery's task once, to look."""

    command: ClassVar[str] = "doctor"
    start: bool = False

    @property
    def keys_of(self) -> str:
        """Whose keys the command takes in the sandbox: an operator's where AWS is to start something."""
        return self.person or ("operator" if self.start else self.usual_person)


@dataclass(frozen=True, kw_only=True)
class JudgingOptions(Options):
    """Of a command that only judges. ``gate`` and the three that imply it are a pipeline's rules for the exit code.

    ``fail_on``: fail, unknown or warn. ``baseline``: the JSON report of before, or the folder of its run.
    ``metrics``: the file that the metrics are written to.
    """

    gate: bool = False
    min_score: int | None = None
    fail_on: str = ""
    baseline: Path | None = None
    metrics: Path | None = None

    @property
    def has_gate(self) -> bool:
        """Whether the exit code is the gate's."""
        return self.gate or bool(self.fail_on) or self.min_score is not None or self.baseline is not None


@dataclass(frozen=True, kw_only=True)
class StatusOptions(JudgingOptions):
    """Of `status`: the scenarios of the areas that are named, or all; ``watch_s``: again and again.

    ``no_cache``: what an earlier look kept is read too. ``checks`` and ``severity`` narrow what is judged.
    ``explain``: ``calls`` where those of the look are wanted, and nothing is judged.
    """

    command: ClassVar[str] = "status"
    replication: bool = False
    infrastructure: bool = False
    no_cache: bool = False
    checks: tuple[str, ...] = ()
    severity: str = ""
    watch_s: int | None = None
    explain: str = ""


@dataclass(frozen=True, kw_only=True)
class DrTestOptions(JudgingOptions):
    """Of `test`. ``restore``, ``start`` and ``canary`` are trials beside the estate.

    ``by_aws``: AWS holds the full drill, under the id ``incident``; ``automation``: the execution by which AWS started
    this process, which holds it.
    """

    command: ClassVar[str] = "test"
    usual_person: ClassVar[str] = "operator"
    tabletop: bool = False
    infra: bool = False
    dns: bool = False
    full_drill: bool = False
    restore: bool = False
    start: bool = False
    canary: bool = False
    overrides: tuple[Override, ...] = ()
    answers: Path | None = None
    non_interactive: bool = False
    by_aws: bool = False
    incident: str = ""
    automation: str = ""

    @property
    def keys_of(self) -> str:
        """The driller's for a drill of any kind, where --as names nobody."""
        return self.person or ("driller" if self.acts else self.usual_person)

    @property
    def acts(self) -> bool:
        """Whether it is a drill of any kind."""
        return self.full_drill or self.restore or self.start or self.canary


@dataclass(frozen=True, kw_only=True)
class ScheduleOptions(Options):
    """Of `schedule`; ``trend``: with the results of the last runs."""

    command: ClassVar[str] = "schedule"
    trend: bool = False


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(Options):
    """Of `explain`: ``needs`` of the tenant ``name``, ``calls`` of ``number`` tenants, or what ``name`` means."""

    command: ClassVar[str] = "explain"
    action: Literal["needs", "calls", "check", "gate", "trap", "exit"]
    name: str = ""
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlanOptions(Options):
    """Which plan is meant: a failover's, a switchover's (``planned``), a failback's or a fence's, for which incident.

    ``side`` is the one that a fence stops, "" for the one that the posture proposes; ``release`` lets it go again.
    ``abort`` gives the incident's unfinished failback up.
    """

    incident: str = ""
    planned: bool = False
    failback: bool = False
    staged: bool = False
    fence: bool = False
    release: bool = False
    side: str = ""
    abort: bool = False


@dataclass(frozen=True, kw_only=True)
class RecoveryOptions(PlanOptions):
    """Of a command that assesses a plan, or executes it; ``confirm`` are irreversible steps confirmed beforehand.

    ``digest``: run no other plan; ``automation``: the id of the execution by which AWS started this process.
    """

    usual_person: ClassVar[str] = "operator"
    execute: bool = False
    replan: bool = False
    digest: str = ""
    automation: str = ""
    confirm: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether the plan is executed."""
        return self.execute


@dataclass(frozen=True, kw_only=True)
class FailoverOptions(RecoveryOptions):
    """Of `failover`; ``validate``: only judge whether the DR region serves; ``since``: when the outage began.

    ``watch_s``: validate again and again.
    """

    command: ClassVar[str] = "failover"
    validate: bool = False
    watch_s: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FailbackOptions(RecoveryOptions):
    """Of `failback`."""

    command: ClassVar[str] = "failback"
    failback: bool = True


@dataclass(frozen=True, kw_only=True)
class FenceOptions(RecoveryOptions):
    """Of `fence`."""

    command: ClassVar[str] = "fence"
    fence: bool = True


@dataclass(frozen=True, kw_only=True)
class ApproveOptions(PlanOptions):
    """Of `approve`: today's plan, if it has the ``digest``; ``withdraw``: take the approvals of the incident back.

    ``rules``: not a plan, but the rules of the environment are pinned. ``overrides``: what the run may set aside.
    """

    command: ClassVar[str] = "approve"
    usual_person: ClassVar[str] = "approver"
    digest: str = ""
    withdraw: bool = False
    rules: bool = False
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AttachOptions(Options):
    """Of `attach`: watch the run that AWS started for the ``incident``."""

    command: ClassVar[str] = "attach"
    usual_person: ClassVar[str] = "operator"
    incident: str = ""


@dataclass(frozen=True, kw_only=True)
class PauseOptions(Options):
    """Of `pause`."""

    command: ClassVar[str] = "pause"
    usual_person: ClassVar[str] = "operator"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class UnpauseOptions(Options):
    """Of `unpause`."""

    command: ClassVar[str] = "unpause"
    usual_person: ClassVar[str] = "operator"


@dataclass(frozen=True, kw_only=True)
class RepairOptions(Options):
    """Of `repair`: the ``item`` to set aside, by its id, and why; without one those that cannot be read are listed."""

    command: ClassVar[str] = "repair"
    usual_person: ClassVar[str] = "approver"
    item: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LogOptions(Options):
    """Of `log`: the newest incident, a named one, or a ``journal``'s; ``verify``: compare it with its mirror."""

    command: ClassVar[str] = "log"
    incident: str = ""
    journal: Path | None = None
    review: bool = False
    verify: bool = False


@dataclass(frozen=True, kw_only=True)
class EvidenceOptions(Options):
    """Of `evidence`: a pack of ``incident`` or ``run`` (a folder); or a check of ``file``, signed by ``public_key``."""

    command: ClassVar[str] = "evidence"
    usual_person: ClassVar[str] = "approver"
    action: Literal["", "verify"] = ""
    file: Path | None = None
    public_key: Path | None = None
    incident: str = ""
    run: Path | None = None


@dataclass(frozen=True, kw_only=True)
class IamOptions(Options):
    """Of `iam`: the policies of one role, or of all."""

    command: ClassVar[str] = "iam"
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class DrillOptions(Options):
    """Of `drill`: show what is left, or clean it up; ``reason``: why what is left is accepted."""

    command: ClassVar[str] = "drill"
    usual_person: ClassVar[str] = "driller"
    action: Literal["show", "clean"]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReportOptions(Options):
    """Of `report`: the ``folders`` of a run, or of several to ``merge``; ``expected`` names their environments.

    Or the ``incident`` whose record is made into a report.
    """

    command: ClassVar[str] = "report"
    folders: tuple[Path, ...] = ()
    incident: str = ""
    merge: bool = False
    expected: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewOptions(Options):
    """Of `review`: the evidence pack ``file``."""

    command: ClassVar[str] = "review"
    file: Path


@dataclass(frozen=True, kw_only=True)
class DiffOptions(Options):
    """Of `diff`: two runs of one environment, each its folder or its JSON report."""

    command: ClassVar[str] = "diff"
    before: Path
    after: Path


@dataclass(frozen=True, kw_only=True)
class InitOptions(Options):
    """Of `init`; ``yes``: nobody is asked; ``region``: where the first question goes, a region of the estate.

    ``update``: of an environment that is there, write its map of today.
    """

    command: ClassVar[str] = "init"
    yes: bool = False
    update: bool = False
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class ScanOptions(Options):
    """Of `scan`; ``start``: a record's name or a cluster's; ``region``: where to look beside where records lead."""

    command: ClassVar[str] = "scan"
    start: str = ""
    region: str = ""
    save: Path | None = None


@dataclass(frozen=True, kw_only=True)
class TourOptions(Options):
    """Of `tour`; ``non_interactive``: no pause after a screen."""

    command: ClassVar[str] = "tour"
    environment: str = "prod"
    non_interactive: bool = False


@dataclass(frozen=True, kw_only=True)
class SandboxOptions(Options):
    """Of `sandbox`: the ``action``, the disaster or scenario that it names, and what single actions take.

    ``empty``: an account with nothing in it, which any AWS client fills.
    """

    command: ClassVar[str] = "sandbox"
    action: str
    name: str = ""
    port: int = 0
    fresh: bool = False
    empty: bool = False
    pace: str = ""
    engine: str = ""
    hint: bool = False
    end: bool = False


_KINDS = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, Options)]
# The options of each command, by its name.
TYPES: dict[str, type[Any]] = {kind.command: kind for kind in _KINDS if kind.command}


# The folder of the environment files, where the command names none.


def configuration(environment: str) -> Path:
    """Return the folder of the environment files without --config.

    That is DR_CONFIG, else the nearest ``environments`` folder upwards from the working directory that knows the
    environment (of several the first, of all any), else the shipped one.
    """
    if given := os.environ.get("DR_CONFIG"):
        return Path(given)
    here = Path.cwd()
    folders = (folder / SHIPPED.name for folder in (here, *here.parents))
    name = "*" if environment == EVERY else environment.partition(",")[0].strip()
    return next((folder for folder in folders if any(folder.glob(f"{name}.toml"))), SHIPPED)
