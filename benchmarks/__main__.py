"""Runs all benchmarks in their short form, `python -m benchmarks`, or one: `python -m benchmarks latency --full`."""

import argparse
import importlib
import sys

from benchmarks.benchmark import main as run_benchmark
from components.errors import ExitCode

NAMES = ("training_speed", "latency", "reducers", "map", "search_scores", "recipes", "full_run")


def main() -> ExitCode:
    """Returns the exit code of the named benchmark; without a name 0, even if some had nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="?", choices=NAMES, help="default: all")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of the benchmark, such as --full or --help")
    arguments = parser.parse_args()
    names = [arguments.name] if arguments.name else NAMES
    codes = [run_benchmark(importlib.import_module(f"benchmarks.{n}").BENCHMARK, arguments.options) for n in names]
    return codes[0] if arguments.name else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
