"""The query that a tenant's own task sends to a restored database, and which answers are plausible. Pure.

The task runs ``php -r``: the WordPress image runs any command other than its web server's unchanged. The script reads
the tenant's credentials as WordPress does (each variable, or the file that ``..._FILE`` names), connects to the host
that it is given, and prints one line of JSON: no value of any row, and no secret. Rows are MySQL's estimate,
recalculated for this session (information_schema_stats_expiry). The host has a variable of its own: WORDPRESS_DB_HOST
may be a secret of the definition, which no override replaces, and the answer would be the live database's (T74).
Sources: docker-library/wordpress, docker-entrypoint.sh and wp-config-docker.php; MySQL 8.0 manual, The
INFORMATION_SCHEMA TABLES Table, server_uuid.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from dr_actions.actions.markers.scripts import HOST, SERVER
from dr_actions.model.plan import Json
from dr_estate.config.environment import Environment
from dr_estate.readers import drill_resources
from dr_estate.snapshot.tenants import Tenant

MARKER, TENANT, SCHEMA = "DR_PROBE", "DR_TENANT", "DR_SCHEMA"
PORT = 3306

_ASK = r"""
function got($n) { $f = getenv($n . "_FILE"); return $f ? rtrim(file_get_contents($f), "\r\n") : (string) getenv($n); }
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $at = explode(":", got("DR_DB_HOST"));
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 30);
    [$who, $word] = [got("WORDPRESS_DB_USER"), got("WORDPRESS_DB_PASSWORD")];
    $db->real_connect($at[0], $who, $word, null, (int) ($at[1] ?? 3306));
    try { $db->query("SET SESSION information_schema_stats_expiry = 0"); } catch (Throwable $older) { }
    $schema = $db->real_escape_string(got("DR_SCHEMA"));
    $where = "FROM information_schema.tables WHERE table_schema = '$schema'";
    $row = $db->query("SELECT COUNT(*), COALESCE(SUM(table_rows), 0) $where")->fetch_row();
    $newest = null;
    $posts = (got("WORDPRESS_TABLE_PREFIX") ?: "wp_") . "posts";
    $held = $db->query("SELECT 1 $where AND table_name = '" . $db->real_escape_string($posts) . "'");
    $last = "SELECT MAX(post_modified_gmt) FROM `$schema`.`$posts`";
    if ($held->num_rows) { $newest = $db->query($last)->fetch_row()[0]; }
    $out = ["dr_probe" => got("DR_PROBE"), "tenant" => got("DR_TENANT"), "schema" => $row[0] ? got("DR_SCHEMA") : ""];
    $out += ["host" => $at[0], "server" => server($db)];
    echo json_encode($out + ["tables" => (int) $row[0], "rows" => (int) $row[1], "newest" => $newest]), "\n";
    exit($row[0] ? 0 : 1);
} catch (Throwable $e) { fwrite(STDERR, get_class($e) . ": " . $e->getMessage() . "\n"); exit(1); }
"""
SCRIPT = SERVER + _ASK


def overrides(env: Environment, container: str, incident: str, tenant: Tenant, host: str) -> Json:
    """RunTask's overrides: the script as the container's command, and what it needs to know beside its own secrets."""
    variables = {
        HOST: f"{host}:{PORT}",
        MARKER: incident,
        TENANT: tenant.id,
        SCHEMA: env.named(env.names.tenant_schema, tenant=tenant.id),
    }
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    return {"containerOverrides": [{"name": container, "command": command(), "environment": environment}]}


def command() -> list[str]:
    """The command: the script in as few characters as it takes."""
    return ["php", "-r", re.sub(r"\n\s*", "\n", SCRIPT).strip()]


def with_host(params: Mapping[str, Json], host: str) -> dict[str, Json]:
    """RunTask's parameters with ``host`` for the database, which is known once it is restored."""
    changed_overrides = {**params["overrides"]}
    changed_overrides["containerOverrides"] = [
        {
            **override,
            "environment": [
                {**pair, "value": f"{host}:{PORT}"} if pair["name"] == HOST else pair
                for pair in override["environment"]
            ],
        }
        for override in changed_overrides["containerOverrides"]
    ]
    return {**params, "overrides": changed_overrides}


def reason_to_doubt(
    answer: drill_resources.ProbeAnswer, incident: str, tenant: str, schema: str, host: str, servers: Collection[str]
) -> str:
    """Why the answer does not show that the tenant's data is there, "" where it does.

    ``host`` is the restored database's, ``servers`` are those that all answers of this drill came from.
    """
    if answer.host != host:
        return f"it was {answer.host or 'an unnamed host'} that was asked, and not {host}"
    if not answer.server:
        return f"{host} does not say which server it is"
    if len(servers) > 1:
        return f"tenants reached different servers: {', '.join(sorted(servers))}"
    if (answer.incident, answer.tenant) != (incident, tenant):
        return f"it answers for {answer.tenant or 'nobody'} of {answer.incident or 'no drill'}"
    if answer.schema != schema or answer.tables < 1:
        return f"the schema {schema} is not in it"
    if answer.rows < 1:
        return f"the {answer.tables} tables of {schema} hold no row"
    return ""
