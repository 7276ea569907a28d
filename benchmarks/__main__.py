"""Runs every benchmark: `python -m benchmarks`, or some of them by name: `python -m benchmarks input_pipeline`."""

import importlib
import sys

NAMES = ("example_gen", "input_pipeline", "steps", "search", "evaluation", "report", "push", "prediction")


def main() -> None:
    """Runs the benchmarks named on the command line, or all."""
    names = sys.argv[1:] or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"benchmarks: there is no {unknown[0]}; there are {', '.join(NAMES)}")
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
