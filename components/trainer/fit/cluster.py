"""The processes that train one network together, as TensorFlow's variable TF_CONFIG names them."""

import dataclasses
import json
import os
import socket

VARIABLE = "TF_CONFIG"

_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
_ANSWER_SECONDS = 10
_KINDS = ("chief", "worker")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """What TF_CONFIG says."""

    leader: str  # address of the first process: the chief if there is one, else worker 0
    is_leader: bool  # whether it is this one


def read_cluster() -> Cluster:
    """Reads TF_CONFIG.

    Raises:
        ValueError: If it is missing, or makes no sense; the message says what would be right.
    """
    told = os.environ.get(VARIABLE)
    if not told:
        raise ValueError(
            f"fit.strategy is multi_worker, but {VARIABLE} is not set; it must name all processes: {_EXAMPLE}"
        )
    try:
        config = json.loads(told)
        members = [(kind, i) for kind in _KINDS for i, _ in enumerate(config["cluster"].get(kind, ()))]
        own = (config["task"]["type"], int(config["task"]["index"]))
        others = set(config["cluster"]) - set(_KINDS)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{VARIABLE} is {told}; it must be JSON such as {_EXAMPLE}") from None
    if others or own not in members:
        raise ValueError(
            f"{VARIABLE} is {told}; its cluster must hold chief and worker only, and its task be one of these: "
            f"{_EXAMPLE}"
        )
    kind, index = members[0]
    return Cluster(leader=config["cluster"][kind][index], is_leader=own == members[0])


def require_leader() -> None:
    """Raises a ValueError unless TF_CONFIG makes this process the first."""
    if not read_cluster().is_leader:
        raise ValueError(
            f"{VARIABLE} is {os.environ[VARIABLE]}; the pipeline runs in its first process, and the others are started "
            "by `python -m components.trainer.fit.member <pipeline root>/search`"
        )


def answers(address: str) -> bool:
    """Tells whether somebody listens at an address, "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
