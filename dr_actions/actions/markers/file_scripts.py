"""What the tasks of a tenant's file marker run: PHP in its own image, which reads and writes one file of its folder.

The file is in the root of what the tenant's access point shows; a file of that name that is not a marker is never
touched. ``WRITE`` writes its next number again and again until the file system refuses it; a script that is refused at
once reports which marker the folder holds. ``FIND`` waits until the folder of another file system holds that marker and
number, ``REMOVE`` until the file is gone. Each prints one line of JSON. Exit codes: 0 as wanted, 3 the time is over, 1
anything else, with PHP's message.

The content has a fixed length and is written in place, so that no copy shows half of it. An EFS policy without
ClientWrite answers EROFS or EACCES, and PHP reports an error only as text, without its number. Sources: EFS User Guide,
"Using IAM to control access to file systems"; PHP manual, fopen (modes c, r+), fsync.
"""

from __future__ import annotations

FOLDER, HOLDS = "DR_FOLDER", "DR_HOLDS"

_BEGIN = r"""
function got($n) { return (string) getenv($n); }
function report($row) { echo json_encode(["dr_marker" => got("DR_MARKER")] + $row), "\n"; }
$file = got("DR_FOLDER") . "/.dr-marker.json";
$ends = microtime(true) + (int) got("DR_SECONDS");
function marked($file) {
    clearstatcache();
    if (!file_exists($file)) { return ["dr_marker" => "", "n" => 0]; }
    $row = json_decode((string) file_get_contents($file), true);
    if (!isset($row["dr_marker"], $row["n"])) { throw new RuntimeException("$file is not a marker of this tool"); }
    return $row;
}
function refused() { return (bool) preg_match("/Read-only|not permitted|denied/", error_get_last()["message"] ?? ""); }
"""
_FAILED = r"""
catch (Throwable $e) { fwrite(STDERR, get_class($e) . ": " . $e->getMessage() . "\n"); exit(1); }
"""


def _script(body: str) -> str:
    return f"{_BEGIN}{body}{_FAILED}"


WRITE = _script(
    r"""
try {
    $old = marked($file);
    $n = $old["dr_marker"] === got("DR_MARKER") ? $old["n"] : 0;
    [$begun, $refused] = [false, false];
    do {
        error_clear_last();
        $row = str_pad(json_encode(["dr_marker" => got("DR_MARKER"), "n" => $n + 1]), 400) . "\n";
        $to = @fopen($file, $begun ? "r+" : "c");
        $written = $to && @fwrite($to, $row) === 401 && @fflush($to) && (!function_exists("fsync") || @fsync($to));
        $refused = !$written && refused();
        if ($to) { @fclose($to); }
        if (!$written && !$refused) { throw new RuntimeException(error_get_last()["message"] ?? "not written"); }
        if ($written) { $n++; }
        if ($written && !$begun) { report(["begun" => true, "n" => $n]); }
        $begun = $begun || $written;
        usleep(200000);
    } while (!$refused && microtime(true) < $ends);
    $holds = marked($file);
    report(["n" => $holds["n"], "holds" => $holds["dr_marker"], "refused" => $refused]);
    exit($refused ? 0 : 3);
}"""
)
FIND = _script(
    r"""
try {
    do {
        $row = marked($file);
        $there = $row["dr_marker"] === got("DR_HOLDS") && $row["n"] >= (int) got("DR_NUMBER");
        if (!$there) { sleep(1); }
    } while (!$there && microtime(true) < $ends);
    report(["found" => $there, "n" => $row["n"], "holds" => $row["dr_marker"]]);
    exit($there ? 0 : 3);
}"""
)
REMOVE = _script(
    r"""
try {
    do {
        marked($file);
        $gone = !file_exists($file) || @unlink($file);
        if (!$gone) { sleep(2); }
    } while (!$gone && microtime(true) < $ends);
    report(["removed" => $gone]);
    exit($gone ? 0 : 3);
}"""
)
