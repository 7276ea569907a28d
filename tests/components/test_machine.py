"""CPUs, memory, and TensorFlow's settings."""

import os
import pathlib
import subprocess
import sys

import pytest

from components import machine

_GIB = 1024**3
_PRINT = (
    "import os, components; from tensorflow.python.framework.test_util import IsMklEnabled; import tensorflow as tf; "
    "tf.zeros(1); print(IsMklEnabled(), os.environ['TF_NUM_INTRAOP_THREADS'])"
)


@pytest.mark.parametrize(
    ("cpus", "quota", "processes", "threads"),
    [(8, "max 100000", 1, 4), (8, "max 100000", 2, 2), (8, "", 3, 1), (8, "250000 100000", 1, 1), (1, "", 1, 1)],
)
def test_processes_share_the_cpus_of_the_affinity_and_of_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, cpus: int, quota: str, processes: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)))
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    if quota:
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert machine.share_cpus(processes) == threads


def test_free_memory_is_that_of_the_kernel_or_of_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_MEMORY_INFO", tmp_path / "meminfo")
    assert machine.measure_free_memory() is None
    (tmp_path / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable:   {8 * 1024**2} kB\n")
    assert machine.measure_free_memory() == 8 * _GIB
    (tmp_path / "memory.current").write_text(f"{_GIB}\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.measure_free_memory() == 8 * _GIB
    (tmp_path / "memory.max").write_text(f"{4 * _GIB}\n")
    assert machine.measure_free_memory() == 3 * _GIB


@pytest.mark.parametrize(("given", "printed"), [({}, "True"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "False")])
def test_onednn_is_on_unless_the_user_turns_it_off(given: dict[str, str], printed: str) -> None:
    names = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names} | given
    outcome = subprocess.run(
        [sys.executable, "-c", _PRINT], env=environment, capture_output=True, text=True, check=True
    )
    assert outcome.stdout.split() == [printed, str(machine.share_cpus(1))]
