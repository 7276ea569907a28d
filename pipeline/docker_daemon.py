"""Whether a docker daemon answers."""

from components.errors import UsageFailure

_ADDRESS = "unix:///var/run/docker.sock"  # where TFX's InfraValidator looks, whatever DOCKER_HOST says
_PATIENCE_SECONDS = 10


def require_docker(address: str = _ADDRESS) -> None:
    """Ends the command unless a docker daemon answers.

    Args:
        address: Of its socket.

    Raises:
        UsageFailure: None answers.
    """
    import docker  # of TFX; only where it is asked for

    try:
        docker.DockerClient(base_url=address, timeout=_PATIENCE_SECONDS).ping()
    except docker.errors.DockerException:
        raise UsageFailure(
            f"serving.docker is on, but no docker daemon answers at {address}; start one that you may talk to, or "
            "leave --serving.docker out: the model is asked in a fresh process either way."
        ) from None
