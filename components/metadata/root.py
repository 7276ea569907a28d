"""A pipeline root: its runs, and whether one is in progress."""

import pathlib

from components.errors import UsageFailure
from components.lock import is_held
from components.metadata.records import Records

_NAMED_RUNS = 3  # in the message about an unknown run


class Root:
    """A snapshot of a pipeline root.

    Args:
        path: The folder of all outputs of a pipeline.

    Raises:
        UsageFailure: It holds no run, or its metadata is locked.
        DataFailure: Its metadata is damaged.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        lock = path / ".lock"
        self.is_busy = is_held(lock)
        # Taking the lock sets the time of its file.
        self._taken = lock.stat().st_mtime if self.is_busy else None
        self.records = Records(path / "metadata.sqlite")
        if not self.records.run_ids:
            hint = "the run at work in it has not reached its first step" if self.is_busy else "start one"
            raise UsageFailure(f"{path} holds no run yet; {hint}.")

    @property
    def run_in_progress(self) -> str | None:
        """The id of the run in progress; None also before its first step."""
        latest = self.records.run_ids[-1]
        is_new = self._taken is not None and self.records.began(latest) >= self._taken - 1
        return latest if is_new else None

    def find_run(self, beginning: str | None) -> str:
        """Returns the id of a run.

        Args:
            beginning: A prefix of the id that only one run has; None: the latest run.

        Raises:
            UsageFailure: No run, or more than one, has the prefix.
        """
        run_ids = self.records.run_ids
        if beginning is None:
            return run_ids[-1]
        if beginning in run_ids:
            return beginning
        found = [run_id for run_id in run_ids if beginning and run_id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        named = ", ".join(shorten(run_id) for run_id in (found or run_ids)[-_NAMED_RUNS:])
        if found:
            raise UsageFailure(f"{len(found)} runs begin with {beginning!r}; write more of the id, such as {named}.")
        raise UsageFailure(f"{self.path} holds no run {beginning!r}; the latest are {named}.")


def shorten(run_id: str) -> str:
    """Returns an id without its fractions of a second, which still identifies the run."""
    return run_id.partition(".")[0]
