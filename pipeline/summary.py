"""The table at the end of a run."""

import rich.box
from rich.console import Console
from rich.table import Table

from pipeline.history import Run, Winner


def print_run(console: Console, run: Run) -> None:
    """Prints the table at the end of a run."""
    winner, verdict = run.winner, run.verdict
    facts = Table(box=rich.box.SIMPLE_HEAD, show_header=False, title=f"run {run.run_id}", title_justify="left")
    facts.add_row("winner", describe_network(winner))
    facts.add_row("search", "\n".join(winner.search_findings))
    facts.add_row("valid accuracy", format_accuracy(winner.valid_accuracy, winner.valid_images))
    facts.add_row("test accuracy", format_accuracy(verdict.accuracy, verdict.images))
    facts.add_row("compute", f"{winner.macs / 1e6:.2f} million multiply-accumulates an image")
    facts.add_row("parameters", f"{winner.parameters:,}")
    facts.add_row("blessed", "yes" if verdict.is_blessed else "no: " + "; ".join(verdict.reasons))
    facts.add_row("pushed", f"version {run.pushed_version}" if run.pushed_version else "no")
    console.print(facts)
    steps = Table(box=rich.box.SIMPLE_HEAD)
    steps.add_column("step")
    steps.add_column("seconds", justify="right")
    for step in run.steps:
        steps.add_row(step.name, "cached" if step.state == "CACHED" else f"{step.seconds:.1f}")
    console.print(steps)


def describe_network(winner: Winner) -> str:
    """Says what reduces the patches to how many tokens, and where."""
    if winner.token_reducer is None:
        return f"no TokenLearner, {winner.depth} blocks on all patches"
    placement = f"after block {winner.blocks_before_token_learner} of {winner.depth}"
    return f"{winner.point}: {winner.token_reducer} {placement}, {winner.num_tokens} tokens"


def format_accuracy(accuracy: float, images: int) -> str:
    """Formats an accuracy with its 95 % Wilson interval."""
    from scipy.stats import binomtest  # takes a second

    interval = binomtest(round(accuracy * images), images).proportion_ci(method="wilson")
    return f"{accuracy:.1%} ({interval.low:.1%} to {interval.high:.1%} with 95 % confidence, {images:,} images)"
