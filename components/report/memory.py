"""Peak memory of each step: what the kernel counts for the process that runs the DAG, without its children."""

import json
import pathlib
import re

_STATUS = pathlib.Path("/proc/self/status")
_CLEAR = pathlib.Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man proc_pid_clear_refs: VmHWM goes back to what is resident now


def reset_peak() -> bool:
    """Lets the kernel count anew; False where it cannot, so that what is read then would be the peak of all steps."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def read_peak() -> int | None:
    """Returns the most resident memory since the last reset, bytes; None where the kernel does not tell."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def append_peak(path: pathlib.Path, *, run_id: str, step: str, peak_bytes: int, began_bytes: int | None = None) -> None:
    """Adds a line to the file of all runs of a root: what was resident at most, and what as the step began."""
    entry = {"run": run_id, "step": step, "peak_bytes": peak_bytes, "began_bytes": began_bytes}
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def read_peaks(path: pathlib.Path, field: str = "peak_bytes") -> dict[tuple[str, str], int]:
    """Reads that file.

    Args:
        path: It need not exist; a line that a kill left half written is passed over.
        field: "peak_bytes", or "began_bytes".

    Returns:
        Bytes by run and step.
    """
    peaks = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get(field) is not None:
            peaks[entry["run"], entry["step"]] = entry[field]
    return peaks
