"""What a marker's task runs: PHP in a tenant's own image, with the tenant's own credentials. Pure.

WordPress' image holds PHP with mysqli and no MySQL client. It starts any command but its web server's as it is, and the
script reads the credentials as WordPress does (each variable, or the file that ``..._FILE`` names).

``WRITE`` writes a row again and again, each time its next number, until the server refuses it (``DR_UNTIL`` is
``refused``), or once (``once``). ``FIND`` waits until another server has that row, and all of the source's GTIDs.
``REMOVE`` drops the table. Each prints one line of JSON, and no secret. Exit codes: 0 as wanted, 3 the time is over, 1
anything else, with PHP's message.

Where MySQL 8.0 and MariaDB differ, both are spoken, by ``VERSION()``:

- Refused writes are error 1290 (ER_OPTION_PREVENTS_STATEMENT) of both. MySQL lets CONNECTION_ADMIN write in spite of
  ``read_only``, and nobody by ``super_read_only``, which RDS does not offer; MariaDB lets ``READ ONLY ADMIN`` write.
- Executed GTIDs: MySQL ``@@GLOBAL.gtid_executed``, which counts only while ``@@GLOBAL.gtid_mode`` is ON (RDS for MySQL:
  OFF_PERMISSIVE unless its parameter group says otherwise); MariaDB ``@@GLOBAL.gtid_current_pos``, always on. Any user
  may read them; SHOW MASTER STATUS (8.4: SHOW BINARY LOG STATUS) takes a privilege that tenants lack.
- Waiting for them: MySQL ``WAIT_FOR_EXECUTED_GTID_SET(set, s)``, 0 or 1 when the time is over; MariaDB
  ``MASTER_GTID_WAIT(position, s)``, 0 or -1.

Sources: MySQL 8.0 Reference Manual, "Replication and Binary Logging Options", "Functions Used with Global Transaction
Identifiers"; MariaDB documentation, "Global Transaction ID", "MASTER_GTID_WAIT"; docker-library/wordpress.
"""

from __future__ import annotations

import re

# Variables of the scripts' own: WORDPRESS_DB_HOST may be a secret, which no override replaces (T74).
HOST, SCHEMA, TOKEN, UNTIL = "DR_DB_HOST", "DR_SCHEMA", "DR_MARKER", "DR_UNTIL"
SECONDS, NUMBER, GTIDS = "DR_SECONDS", "DR_NUMBER", "DR_GTIDS"
REFUSED, ONCE = "refused", "once"
TIME_IS_OVER = 3
LONGEST_GTIDS = 3000  # characters; all overrides of a task are at most 8192 (API_TaskOverride)

# MariaDB has no server_uuid.
SERVER = r"""
function server($db) {
    try { return $db->query("SELECT @@server_uuid")->fetch_row()[0]; }
    catch (Throwable $e) { return $db->query("SELECT CONCAT(@@hostname, '/', @@server_id)")->fetch_row()[0]; }
}
"""
_CONNECT = r"""
function got($n) { $f = getenv($n . "_FILE"); return $f ? rtrim(file_get_contents($f), "\r\n") : (string) getenv($n); }
function report($row) { echo json_encode(["dr_marker" => got("DR_MARKER")] + $row), "\n"; }
function connected() {
    $at = explode(":", got("DR_DB_HOST"));
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 10);
    [$who, $word] = [got("WORDPRESS_DB_USER"), got("WORDPRESS_DB_PASSWORD")];
    $db->real_connect($at[0], $who, $word, got("DR_SCHEMA"), (int) ($at[1] ?? 3306));
    return $db;
}
function value($db, $sql) { $row = $db->query($sql)->fetch_row(); return $row ? $row[0] : null; }
function is_maria($db) { return strpos(value($db, "SELECT VERSION()"), "MariaDB") !== false; }
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$ends = microtime(true) + (int) got("DR_SECONDS");
"""
_FAILED = r"""
catch (Throwable $e) { fwrite(STDERR, get_class($e) . ": " . $e->getMessage() . "\n"); exit(1); }
"""


def _script(body: str) -> str:
    return f"{SERVER}{_CONNECT}{body}{_FAILED}"


WRITE = _script(
    r"""
try {
    $db = connected();
    $id = $db->real_escape_string(got("DR_MARKER"));
    [$refused, $begun] = [false, false];
    $n = $at = 0;
    do {
        try {
            if (!$begun) {
                $db->query("CREATE TABLE IF NOT EXISTS dr_marker (id VARCHAR(190) PRIMARY KEY, n BIGINT NOT NULL)");
            }
            $next = $n + 1;
            $db->query("INSERT INTO dr_marker VALUES ('$id', $next) ON DUPLICATE KEY UPDATE n = n + 1");
            $at = microtime(true);
            $n = (int) value($db, "SELECT n FROM dr_marker WHERE id = '$id'");
            if (!$begun) { report(["begun" => true, "n" => $n]); }
            $begun = true;
            usleep(20000);
        } catch (mysqli_sql_exception $e) {
            if ($e->getCode() !== 1290) { throw $e; }
            $refused = true;
        }
    } while (got("DR_UNTIL") === "refused" && !$refused && microtime(true) < $ends);
    $gap = $at ? (int) round((microtime(true) - $at) * 1000) : -1;
    $held = $db->query("SHOW TABLES LIKE 'dr_marker'")->num_rows;
    $n = $held ? (int) value($db, "SELECT MAX(n) FROM dr_marker WHERE id = '$id'") : 0;
    if (is_maria($db)) { $gtids = value($db, "SELECT @@GLOBAL.gtid_current_pos"); }
    else { $gtids = value($db, "SELECT IF(@@GLOBAL.gtid_mode = 'ON', @@GLOBAL.gtid_executed, '')"); }
    $row = ["n" => $n, "refused" => $refused, "gap_ms" => $gap, "gtids" => preg_replace('/\s/', "", $gtids)];
    report($row + ["server" => server($db)]);
    exit(got("DR_UNTIL") === "refused" && !$refused ? 3 : 0);
}"""
)
FIND = _script(
    r"""
try {
    $db = connected();
    $id = $db->real_escape_string(got("DR_MARKER"));
    $gtids = $db->real_escape_string(got("DR_GTIDS"));
    [$n, $executed] = [0, $gtids === ""];
    while (true) {
        if (!$executed) {
            $left = max(1, (int) ($ends - microtime(true)));
            $wait = is_maria($db) ? "MASTER_GTID_WAIT" : "WAIT_FOR_EXECUTED_GTID_SET";
            $executed = (int) value($db, "SELECT $wait('$gtids', $left)") === 0;
        }
        if ($db->query("SHOW TABLES LIKE 'dr_marker'")->num_rows) {
            $n = (int) value($db, "SELECT MAX(n) FROM dr_marker WHERE id = '$id'");
        }
        $there = $executed && $n >= (int) got("DR_NUMBER");
        if ($there || microtime(true) >= $ends) { break; }
        usleep(200000);
    }
    report(["found" => $there, "n" => $n, "executed" => $executed, "server" => server($db)]);
    exit($there ? 0 : 3);
}"""
)
REMOVE = _script(
    r"""
try {
    connected()->query("DROP TABLE IF EXISTS dr_marker");
    report(["removed" => true]);
}"""
)


def command(script: str) -> list[str]:
    """The container's command: the script in as few characters as it takes."""
    return ["php", "-r", re.sub(r"\n\s*", "\n", script).strip()]
