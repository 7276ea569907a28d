"""Judges the answers, the latency and the memory of a served model.

Axes: records, batch, classes.
"""

import numpy as np

from components.artifacts.serving_findings import Check, Latency, ServingFindings
from components.serving_validator.agreement import judge_answers
from components.serving_validator.config import ServingConfig
from components.serving_validator.process import Outcome
from components.serving_validator.requests import Plan


def judge(plan: Plan, outcome: Outcome | str, expected: np.ndarray, config: ServingConfig) -> ServingFindings:
    """Judges a model by the outcome of its requests.

    Args:
        plan: The requests.
        outcome: Of the serving process, or why there is none.
        expected: The Trainer's own probabilities of the records, float32 [records, classes].
        config: The limits.

    Returns:
        The findings; without an outcome or if loading fails, only the checks that are still possible.
    """
    if isinstance(outcome, str):
        died = Check(name="process", passed=False, message=outcome)
        nothing = {"load_seconds": None, "peak_memory_bytes": None, "tensorflow_version": None}
        return ServingFindings(checks=(died,), latencies=(), **nothing)
    checks, latencies = [_judge_loading(outcome)], []
    if outcome.load_error is None:
        checks += judge_answers(plan, outcome.answers, expected, config.tolerance)
        latencies = _measure_latencies(plan, outcome)
        checks.append(_judge_latencies(latencies, len(plan.timings), config))
    checks.append(_judge_memory(outcome.peak_memory_bytes, config.max_memory_mib))
    return ServingFindings(
        checks=tuple(checks),
        latencies=tuple(latencies),
        load_seconds=outcome.load_seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
        tensorflow_version=outcome.tensorflow_version,
    )


def _judge_loading(outcome: Outcome) -> Check:
    version = f"TensorFlow {outcome.tensorflow_version}"
    if outcome.load_error is not None:
        return Check(name="loading", passed=False, message=f"{version} cannot load the model: {outcome.load_error}")
    message = f"{version} alone loads the model and answers a first request in {outcome.load_seconds:.1f} seconds"
    return Check(name="loading", passed=True, message=message)


def _measure_latencies(plan: Plan, outcome: Outcome) -> list[Latency]:
    latencies = []
    for timing, seconds in zip(plan.timings, outcome.seconds, strict=True):
        if seconds:
            p50, p95 = np.percentile(seconds, (50, 95)).tolist()
            latency = Latency(
                signature=timing.signature,
                batch_size=len(timing.rows),
                requests=len(seconds),
                p50_seconds=p50,
                p95_seconds=p95,
            )
            latencies.append(latency)
    return latencies


def _judge_latencies(latencies: list[Latency], planned: int, config: ServingConfig) -> Check:
    """Names the latencies that exceed their limit."""
    missing = planned - len(latencies)
    slow = [f"{missing} of {planned} kinds of timed requests failed"] if missing else []
    for latency in latencies:
        size = latency.batch_size
        p50_limit = getattr(config, f"max_batch_{size}_p50_seconds")
        p95_limit = getattr(config, f"max_batch_{size}_p95_seconds")
        if latency.p50_seconds > p50_limit or latency.p95_seconds > p95_limit:
            slow.append(
                f"requests of {size} to {latency.signature} take {1000 * latency.p50_seconds:,.1f} ms (median) and "
                f"{1000 * latency.p95_seconds:,.1f} ms (95th percentile), more than the limits of "
                f"{1000 * p50_limit:,.1f} and {1000 * p95_limit:,.1f} ms"
            )
    message = "; ".join(slow) or "median and 95th percentile are within the limits for every signature and batch size"
    return Check(name="latency", passed=not slow, message=message)


def _judge_memory(peak_bytes: int, max_mib: int) -> Check:
    message = f"the serving process needs up to {peak_bytes / 2**20:,.0f} MiB; the limit is {max_mib:,} MiB"
    return Check(name="memory", passed=peak_bytes <= max_mib * 2**20, message=message)
