"""The peak memory of each step, as the kernel measures it for the process that runs the pipeline, without children."""

import json
import pathlib
import re

_STATUS = pathlib.Path("/proc/self/status")
_CLEAR = pathlib.Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man proc_pid_clear_refs: sets VmHWM to what is resident now


def reset_peak() -> bool:
    """Resets the kernel's peak; False where it cannot, so that `read_peak` would return the peak of all steps."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def read_peak() -> int | None:
    """Returns the peak resident memory since the last reset, bytes; None where the kernel does not measure it."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def append_peak(path: pathlib.Path, *, run_id: str, step: str, peak_bytes: int, began_bytes: int | None = None) -> None:
    """Appends a line to the file of all runs of a root: peak memory, and memory at the beginning of the step."""
    entry = {"run": run_id, "step": step, "peak_bytes": peak_bytes, "began_bytes": began_bytes}
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def read_peaks(path: pathlib.Path) -> dict[tuple[str, str], int]:
    """Returns bytes by run and step; skips an incomplete line of a killed run.

    Args:
        path: Of that file; may be missing.
    """
    peaks = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        peaks[entry["run"], entry["step"]] = entry["peak_bytes"]
    return peaks
