"""What a task asks a PostgreSQL database: ``psql`` in a shell, in the task definition names.psql_task. Pure.

The definition holds the user and its password (PGUSER, PGPASSWORD), and how it connects (PGSSLMODE). Database, host and
port are given. ``WRITE``, ``FIND`` and ``REMOVE`` are the marker's, with the variables, lines and exit codes of
``scripts``; ``COUNT`` is what a restore test asks. Any shell of POSIX runs them; psql is 12 or newer.

- A refused write is error 25006 (read_only_sql_transaction). The parameter is the default of each new transaction: one
  that had written before the refusal may still end well, so all of these are awaited. A snapshot's xmax is no bound for
  them, for it ends at the last one that ended: a number of its own is.
- In the place of GTIDs stands the position in the log (LSN). All before it has arrived where a server replayed at least
  to there, while it was a replica: a promoted one writes on by itself, and its replayed position stays. A copy that was
  restarted since knows none, so that a marker that is written once goes without.
- A commit that did not wait for the disk is flushed within three times wal_writer_delay, 0.6 s.
- Copies have their source's system identifier: a server is known by its address and by when it began.

Sources: PostgreSQL 16, "Error Codes", "Client Connection Defaults", "Asynchronous Commit", "System Administration
Functions" (pg_last_wal_replay_lsn), "System Information Functions", psql (VERBOSITY, \\gset, \\if), pg_class.
"""

from __future__ import annotations

# A host address, a service or options of the definition would lead elsewhere, or take the freeze off.
_BEGIN = r"""unset PGHOSTADDR PGSERVICE
export PGHOST="${DR_DB_HOST%:*}" PGPORT="${DR_DB_HOST##*:}" PGDATABASE="$DR_SCHEMA" PGCONNECT_TIMEOUT=10
export PGOPTIONS="-c client_min_messages=error"
ends=$(($(date +%s) + ${DR_SECONDS:-0}))
now="(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
server="host(inet_server_addr()) || '/' || extract(epoch FROM pg_postmaster_start_time())"
number="
\\if :made
SELECT coalesce(max(n), 0) AS n FROM dr_marker WHERE id = :'m' \\gset
\\else
\\set n 0
\\endif
"
ask() {
psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -v m="$DR_MARKER" -v w="${DR_NUMBER:-0}" -v l="$DR_GTIDS" "$@"
}
is_over() { [ "$(date +%s)" -ge "$ends" ]; }
"""


def _script(body: str) -> str:
    return f"{_BEGIN}{body}"


WRITE = _script(
    r"""
table="CREATE TABLE IF NOT EXISTS dr_marker (id text PRIMARY KEY, n bigint NOT NULL);"
at= refused=false open=t lsn=
while :; do
if said=$(ask 2>&1 <<E
$table INSERT INTO dr_marker VALUES (:'m', 1) ON CONFLICT (id) DO UPDATE SET n = dr_marker.n + 1
RETURNING $now, json_build_object('dr_marker', id, 'begun', true, 'n', n);
E
); then
[ -n "$at" ] || echo "${said#*|}"
at=${said%%|*} table=
else
case "$said" in *"ERROR:  25006"*) refused=true ;; *) echo "$said" >&2; exit 1 ;; esac
fi
if $refused || is_over || [ "$DR_UNTIL" != refused ]; then break; fi
sleep 0.02
done
if $refused && [ "$DR_UNTIL" = refused ]; then
last=$(echo "SELECT txid_current()" | ask) || exit 1
until [ $open = f ]; do
open=$(echo "SELECT txid_snapshot_xmin(txid_current_snapshot()) <= $last" | ask) || exit 1
if [ $open = t ] && is_over; then refused=false; break; fi
sleep 1
done
lsn=$(echo "SELECT pg_current_wal_flush_lsn()" | ask) || exit 1
fi
ask -v r=$refused -v at="$at" -v l="$lsn" <<E || exit 1
SELECT to_regclass('dr_marker') IS NOT NULL AS made \gset
$number
SELECT json_build_object('dr_marker', :'m', 'n', :n, 'refused', :'r'::bool, 'gtids', :'l',
'gap_ms', coalesce($now - nullif(:'at', '')::bigint, -1), 'server', $server);
E
if [ "$DR_UNTIL" = refused ] && ! $refused; then exit 3; fi
"""
)
FIND = _script(
    r"""
while :; do
row=$(ask <<E
SELECT to_regclass('dr_marker') IS NOT NULL AS made,
coalesce(pg_last_wal_replay_lsn() >= nullif(:'l', '')::pg_lsn, :'l' = '') AS done \gset
$number
SELECT json_build_object('dr_marker', :'m', 'found', :'done'::bool AND :n >= :w, 'n', :n, 'executed', :'done'::bool,
'server', $server);
E
) || exit 1
case "$row" in *'"found" : true'*) echo "$row"; exit 0 ;; esac
if is_over; then echo "$row"; exit 3; fi
sleep 0.2
done
"""
)
REMOVE = _script(
    r"""
ask <<E || exit 1
DROP TABLE IF EXISTS dr_marker;
SELECT json_build_object('dr_marker', :'m', 'removed', true);
E
"""
)
# Rows are the estimate of the last ANALYZE: to count all would read a restored volume whole. A table that was never
# analyzed, and is not empty, counts as one row.
COUNT = _script(
    r"""
row=$(ask -v p="$DR_PROBE" -v t="$DR_TENANT" -v h="$PGHOST" <<E
SELECT json_build_object('dr_probe', :'p', 'tenant', :'t', 'schema', CASE WHEN count(*) > 0 THEN current_database() END,
'tables', count(*), 'rows', coalesce(sum(CASE WHEN reltuples > 0 THEN reltuples
ELSE (pg_relation_size(c.oid) > 0)::int END), 0)::bigint, 'newest', null, 'host', :'h', 'server', $server)
FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema';
E
) || exit 1
echo "$row"
case "$row" in *'"tables" : 0,'*) exit 1 ;; esac
"""
)


def command(script: str) -> list[str]:
    """The container's command."""
    return ["sh", "-c", script.strip()]
