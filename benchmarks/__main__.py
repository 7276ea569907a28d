"""Runs every benchmark: `python -m benchmarks`, or some by name: `python -m benchmarks latency evaluation`.

Options go to a benchmark that is named alone: `python -m benchmarks latency --full`.
"""

import importlib
import sys
import time

from benchmarks.benchmark import run
from components.errors import ExitCode, Failure

NAMES = ("training_speed", "latency", "reducers", "evaluation", "full_run")


def main() -> None:
    """Runs the benchmarks named on the command line, or all; one that has nothing to measure on says so."""
    named = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    names, options = (sys.argv[1:2], sys.argv[2:]) if len(named) < len(sys.argv) - 1 else (named or NAMES, [])
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"benchmarks: there is no {unknown[0]}; there are {', '.join(NAMES)}", file=sys.stderr)
        sys.exit(ExitCode.USAGE)
    begin, failed = time.monotonic(), ExitCode.OK
    for name in names:
        failed = max(failed, _run(name, options))
    print(f"All of it took {time.monotonic() - begin:.0f} s.")
    sys.exit(failed if named else ExitCode.OK)


def _run(name: str, options: list[str]) -> ExitCode:
    begin = time.monotonic()
    try:
        run(importlib.import_module(f"benchmarks.{name}").BENCHMARK, options)
    except Failure as failure:
        print(f"benchmarks.{name}: {failure}", file=sys.stderr)
        return failure.exit_code
    print(f"{name} took {time.monotonic() - begin:.0f} s.\n", flush=True)
    return ExitCode.OK


if __name__ == "__main__":
    main()
