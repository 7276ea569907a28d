"""The CPUs and the memory that this process may use, and how TensorFlow uses them."""

import math
import os
import pathlib

PARALLEL_OPERATIONS = 2  # the replicas of a training in both profiles

_CGROUP = pathlib.Path("/sys/fs/cgroup")  # version 2, as containers see their own
_MEMORY_INFO = pathlib.Path("/proc/meminfo")


def configure_tensorflow() -> None:
    """Sets TensorFlow's environment variables that the user has not set; to be called before TensorFlow is imported.

    TensorFlow leaves oneDNN's kernels off on CPUs without AVX-512, though a training with them is 1.3 times as fast
    there. By default each operation gets all CPUs, and those of the replicas of a training get into each other's way.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share_cpus(1)))


def share_cpus(processes: int) -> int:
    """Returns the threads of an operation if so many processes train at the same time, at least 1."""
    return max(1, count_cpus() // (processes * PARALLEL_OPERATIONS))


def count_cpus() -> int:
    """Returns the CPUs that this process may use: by its affinity and by the quota of its container, at least 1."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    return cpus if not quota.isdigit() else max(1, min(cpus, math.ceil(int(quota) / int(period))))


def measure_free_memory() -> int | None:
    """Returns the bytes that new processes may take, by the kernel's estimate and by the limit of this container.

    None: the system does not say.
    """
    lines = _read(_MEMORY_INFO).splitlines()
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    limit, used = _read(_CGROUP / "memory.max").strip(), _read(_CGROUP / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        free.append(int(limit) - int(used))
    return min(free, default=None)


def _read(path: pathlib.Path) -> str:
    return path.read_text() if path.is_file() else ""
