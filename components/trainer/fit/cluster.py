"""The processes that train one network together, as TensorFlow's variable TF_CONFIG names them."""

import dataclasses
import json
import os
import re
import socket

VARIABLE = "TF_CONFIG"

_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
_ADDRESS = re.compile(r"(\[.+\]|[^:]+):\d+")
_ANSWER_SECONDS = 10
_KINDS = ("chief", "worker")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """What TF_CONFIG says."""

    addresses: tuple[str, ...]  # of all members, "host:port"; the first is the chief if there is one, else worker 0
    is_first: bool  # whether this process is the first


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
        members = {(kind, i): each for kind in _KINDS for i, each in enumerate(config["cluster"].get(kind, ()))}
        own = (config["task"]["type"], int(config["task"]["index"]))
        others = set(config["cluster"]) - set(_KINDS)
        are_addresses = all(_ADDRESS.fullmatch(address) for address in members.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{VARIABLE} is {told}; it must be JSON such as {_EXAMPLE}") from None
    if others or own not in members or not are_addresses:
        raise ValueError(
            f"{VARIABLE} is {told}; its cluster must hold chief and worker only, as lists of host:port, and its task "
            f"be one of these: {_EXAMPLE}"
        )
    return Cluster(addresses=tuple(members.values()), is_first=own == next(iter(members)))


def require_first() -> Cluster:
    """Reads TF_CONFIG, which has to make this process the first.

    Raises:
        ValueError: If it does not.
    """
    cluster = read_cluster()
    if not cluster.is_first:
        raise ValueError(
            f"{VARIABLE} is {os.environ[VARIABLE]}; the pipeline runs in the first member's place, and the others are "
            "started by `python -m components.trainer.fit.member <pipeline root>/search`"
        )
    return cluster


def answers(address: str) -> bool:
    """Tells whether somebody listens at an address, "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
