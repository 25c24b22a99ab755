"""Which function does what was asked for, and what is refused before it is imported."""

from __future__ import annotations

import os
from importlib import import_module

from dr_estate.config.environment import Environment, load_environment
from dr_estate.model.recovery_names import is_full
from reports.terminal import console
from utils.aws_mgmt.app import options as of
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.target import calls_file
from utils.aws_mgmt.cli.completion import CI_FORMATS

_DECIDING = (of.ApproveOptions, of.PauseOptions, of.UnpauseOptions, of.RepairOptions)
_OF_RECORDS = (of.EvidenceOptions, of.ExplainOptions, of.ReportOptions)
_NO_EVIDENCE = "A drill changes things: it cannot be held on saved evidence. Leave --from-evidence out."
WITHOUT_ENVIRONMENT = {
    *("init:init_command", "scan:scan_command", "review:review_command", "diff:diff_command"),
    *("report:report_command", "fleet:merge_command", "evidence:verify_command", "explain_term:explain_term"),
}


def run(options: of.Options) -> Exit:
    """Run the command of ``options``. Raises UsageError, Refused, and what the layers below raise."""
    console.begin(invocation_of(options))
    # Refused before anything is imported or read: a wrong command answers at once, also in an outage.
    _refuse_what_is_no_judgement(options)
    # Before the first client: botocore keeps the keys that it finds when a session is made.
    _choose_keys(options)
    # `report --merge` names several environments too, and looks at none of them.
    if options.several and not isinstance(options, of.ReportOptions):
        from utils.aws_mgmt.cli.commands.fleet import fleet_command

        return fleet_command(options, run)
    path = function_of(options)
    environment = None if path in WITHOUT_ENVIRONMENT else _environment(options)
    if environment is not None:
        _note_region(options, environment)
        _refuse_in_environment(options, environment)
    # A function is imported once it is to run: help and a refusal import no command.
    module, _, name = path.partition(":")
    function = getattr(import_module(f"utils.aws_mgmt.cli.commands.{module}"), name)
    code: Exit = function(options) if environment is None else function(options, environment)
    return code


def function_of(options: of.Options) -> str:
    """The module in commands and the function in it: the command's own, unless what is asked of it has another."""
    match options:
        case of.ExplainOptions():
            # These two look at an estate; what a word means is explained without one.
            own = options.action in ("needs", "calls")
            return f"explain:explain_{options.action}" if own else "explain_term:explain_term"
        case of.EvidenceOptions(action="verify"):
            return "evidence:verify_command"
        case of.ReportOptions(merge=True):
            return "fleet:merge_command"
        case of.ReportOptions() if options.incident:
            return "report:incident_report_command"
        case of.PauseOptions() | of.UnpauseOptions():
            return f"approve:{options.command}_command"
        case of.DrTestOptions():
            return _function_of_test(options)
        case of.StatusOptions(explain="calls"):
            return "explain:explain_calls"
        case of.StatusOptions() | of.RecoveryOptions():
            return _function_of_status_or_plan(options)
    return f"{options.command}:{options.command}_command"


def _function_of_status_or_plan(options: of.StatusOptions | of.RecoveryOptions) -> str:
    if isinstance(options, of.RecoveryOptions) and options.execute:
        return "execute:execute_command"
    if isinstance(options, of.StatusOptions) or (isinstance(options, of.FailoverOptions) and options.validate):
        return "watch:watch_command" if options.watch_s else "status:status_command"
    return "assess:assess_command"


def _function_of_test(options: of.DrTestOptions) -> str:
    if options.tabletop:
        return "tabletop:tabletop_command"
    if options.full_drill:
        return "drill:start_drill_command" if options.by_aws else "drill:full_drill_command"
    return "status:trial_command" if options.acts else "status:status_command"


def _refuse_what_is_no_judgement(options: of.Options) -> None:
    """Only a judgement has scenarios for a CI system to read, and results to weigh. Raises UsageError."""
    judges = isinstance(options, of.JudgingOptions) or (isinstance(options, of.ReportOptions) and options.merge)
    if isinstance(options, of.DrTestOptions) and (options.acts or options.tabletop):
        judges = False
        if options.has_gate or options.metrics:
            raise UsageError("A trial or tabletop gives no readiness result: omit --gate, its rules and --metrics.")
    if isinstance(options, of.StatusOptions) and options.explain and not _explains_alone(options):
        raise UsageError(
            "--explain counts the calls of one environment's whole look: omit the other options of status."
        )
    if options.format in CI_FORMATS and not judges and not getattr(options, "validate", False):
        raise UsageError(f"Only what `status`, `test` and `failover --validate` judge is written as {options.format}.")


def _explains_alone(options: of.StatusOptions) -> bool:
    """Whether nothing else of status is asked for, nor another environment."""
    alone = of.StatusOptions(**options.shared_options() | {"html": False}, explain=options.explain)
    return options == alone and not options.several


def _choose_keys(options: of.Options) -> None:
    """Let a named profile count before keys in variables, and say where calls are logged. Raises UsageError."""
    if options.several:
        return  # each environment's own process chooses its own
    if options.person and not options.sandbox and not isinstance(options, of.SandboxOptions):
        raise UsageError(
            f"--as {options.person} chooses among the sandbox's people. Without --sandbox your own keys say who you "
            "are: choose them by --profile, and omit --as."
        )
    if options.debug:
        console.complain(f"Calls: {calls_file(options)}")
    if options.profile:
        os.environ["AWS_PROFILE"] = options.profile
        # botocore asks variables before the profile (Boto3 guide, "Credentials"): left there, they would win.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)


def _note_region(options: of.Options, environment: Environment) -> None:
    """Say of a region in the variables that it chooses nothing, where it is neither of the environment's."""
    if (
        options.sandbox
        or options.from_evidence
        or isinstance(options, (of.SandboxOptions, of.TourOptions, of.IamOptions, *_OF_RECORDS))
    ):
        return
    # AWS_REGION first, as the command line asks them; botocore itself knows AWS_DEFAULT_REGION alone.
    name = next((name for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if os.environ.get(name)), "")
    both = (environment.regions.primary, environment.regions.dr)
    if name and os.environ[name] not in both:
        file = options.config / f"{environment.name}.toml"
        console.complain(f"{name}={os.environ[name]} is ignored: {file} names {' and '.join(both)}.")


def _refuse_in_environment(options: of.Options, environment: Environment) -> None:
    """What is not done in this environment, or not on what was saved. Raises Refused and UsageError."""
    if isinstance(options, _DECIDING):
        from utils.aws_mgmt.app.target import outlives

        # A pause or an approval in a sandbox that ends now would be there for nobody.
        if not outlives(options, environment):
            raise UsageError(
                f"`{options.command}` decides for later commands, and no sandbox of {environment.name} is up: one that "
                "this command starts ends with it. Start one that stays: `dr_cli.py sandbox up`."
            )
    if isinstance(options, of.DrTestOptions):
        _refuse_in_drill(options, environment)
    if isinstance(options, of.DrillOptions) and options.from_evidence:
        raise UsageError(_NO_EVIDENCE)
    if isinstance(options, of.FailoverOptions) and options.watch_s and not (options.execute or options.validate):
        raise UsageError("Watch the checks: `dr_cli.py failover --validate --watch`, or `dr_cli.py status --watch`.")


def _refuse_in_drill(options: of.DrTestOptions, environment: Environment) -> None:
    if options.full_drill and not environment.approvals.full_drill:
        raise Refused(
            f"{environment.name} allows no full drill (approvals.full_drill). Use `dr_cli.py test --infra --dns`, "
            "or rehearse the whole ceremony in the sandbox: `dr_cli.py --sandbox failover`."
        )
    if (options.by_aws or options.incident or options.automation) and not options.full_drill:
        raise UsageError("--by-aws, --incident and --automation are of a full drill: `dr_cli.py test --full-drill`.")
    # Clean-up and schedule know a full drill by the form of its id: one of another form would be ended by nothing.
    if options.incident and not is_full(options.incident):
        raise UsageError(f"'{options.incident}' is no id of a full drill: write for example DRILL-20260107-180000.")
    if options.tabletop or not options.acts:
        return
    if options.from_evidence:
        raise UsageError(_NO_EVIDENCE)
    trials = options.restore or options.start or options.canary
    if options.full_drill and (options.infra or options.dns or trials or options.non_interactive):
        raise UsageError(
            "--full-drill runs alone: it judges every scenario before it, in the DR region and after the failback."
        )


def _environment(options: of.Options) -> Environment:
    if isinstance(options, of.ReportOptions) and not options.environment:
        raise UsageError("Whose incident? Its record is in one environment: `-e ENV report --incident`.")
    environment = load_environment(options.config, options.environment)
    if options.deadline_s is not None:
        from utils.aws_mgmt.app.discovery import with_deadline

        environment = with_deadline(environment, options.deadline_s)
    if not isinstance(options, of.FailbackOptions):
        return environment
    from utils.aws_mgmt.app.failback_abort import environment_to_run

    return environment_to_run(options, environment)
