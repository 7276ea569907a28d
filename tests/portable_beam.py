"""Beam's Python job service, whose workers have the package from its wheel and not from the checkout."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator

import grpc
from apache_beam.utils.subprocess_server import pick_port
from sample_slice import PROJECT

_START_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class PortableBeam:
    """The addresses of a job service and of its workers."""

    job_endpoint: str
    worker_pool: str  # address
    python: pathlib.Path  # of the workers

    @property
    def options(self) -> tuple[str, ...]:
        """As Beam takes them."""
        return (
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            "--environment_type=EXTERNAL",
            f"--environment_config={self.worker_pool}",
        )


def build_wheel(folder: pathlib.Path) -> pathlib.Path:
    """Builds the package as `make wheel` does, offline."""
    command = [*_uv("build"), "--no-build-isolation", "--out-dir", str(folder), str(PROJECT)]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def make_worker_environment(folder: pathlib.Path, wheel: pathlib.Path) -> pathlib.Path:
    """Makes a Python environment with this one's packages, but for the project itself, which comes from the wheel.

    Returns:
        The interpreter.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    [site_packages] = folder.glob("lib/python*/site-packages")
    # The .pth files in that folder, of which one leads to the checkout, are ignored.
    (site_packages / "packages.pth").write_text(sysconfig.get_path("purelib"))
    subprocess.run([*_uv("pip", "install", python=python), "--no-deps", wheel], check=True, capture_output=True)
    return python


@contextlib.contextmanager
def serve_beam(folder: pathlib.Path) -> Iterator[PortableBeam]:
    """Starts the job service and a pool that starts workers, and ends both.

    Args:
        folder: Gets the wheel, the environment of the workers, and the logs.
    """
    python = make_worker_environment(folder / "worker", build_wheel(folder / "dist"))
    job_port, pool_port = pick_port(None, None)
    services = "apache_beam.runners"
    job_service = (sys.executable, f"{services}.portability.local_job_service_main", "--port", job_port)
    worker_pool = (python, f"{services}.worker.worker_pool_main", "--service_port", pool_port)
    with _run_service(folder / "jobs", *job_service), _run_service(folder / "workers", *worker_pool):
        for port in (job_port, pool_port):
            grpc.channel_ready_future(grpc.insecure_channel(f"localhost:{port}")).result(_START_SECONDS)
        yield PortableBeam(f"localhost:{job_port}", f"localhost:{pool_port}", python)


@contextlib.contextmanager
def _run_service(folder: pathlib.Path, python: object, module: str, option: str, port: int) -> Iterator[None]:
    """Runs a module in an empty folder; its own Python comes first on PATH, where a pool looks for that of workers."""
    folder.mkdir()
    paths = os.pathsep.join([str(pathlib.Path(str(python)).parent), os.environ["PATH"]])
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), "-m", module, option, str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env={**variables, "PATH": paths}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # upon which a pool ends its workers
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _uv(*command: str, python: object = sys.executable) -> list[str]:
    return [sys.executable, "-m", "uv", *command, "--offline", "--python", str(python)]
