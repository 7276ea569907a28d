"""Addresses in a bucket, and the folders that steps see them as."""

import pathlib
import re

MOUNT = pathlib.Path("/gcs")  # where Vertex AI mounts every bucket of a project
SCHEME = "gs://"
_ADDRESS = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/.*)?")


def locate(address: str) -> pathlib.Path | None:
    """Returns where a step finds an address.

    Args:
        address: Such as gs://bucket/path, or an absolute path, which every step sees as it is.

    Returns:
        The folder; None for anything else.
    """
    if _ADDRESS.fullmatch(address):
        return MOUNT / address.removeprefix(SCHEME)
    return pathlib.Path(address) if address.startswith("/") else None
