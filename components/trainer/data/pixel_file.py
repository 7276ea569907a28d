"""Images in a local file instead of memory: written once, then read by their positions.

Axes: images, batch, height, width, channels.
"""

import errno
import math
import os
import shutil
import tempfile

import numpy as np

from components import features


class PixelFileError(Exception):
    """The images cannot be kept on disk; the message says why, and what to do."""


class PixelFile:
    """Images of one shape in a temporary file, in the folder `TMPDIR`.

    The file has no name, so it vanishes with the process, even if that is killed. It is read rather than mapped into
    memory: the kernel caches as much as there is room for, and the process does not grow.

    Args:
        shape: Height, width and channels of an image.

    Raises:
        PixelFileError: No file can be made.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._image_bytes = math.prod(shape)
        try:
            self._file = tempfile.TemporaryFile(prefix="tokenlearner-", buffering=0)  # noqa: SIM115 - see close
        except OSError as error:
            raise PixelFileError(_explain(error)) from error

    def append(self, images: np.ndarray) -> None:
        """Appends images.

        Args:
            images: uint8 [batch, height, width, channels].

        Raises:
            PixelFileError: The disk is full or fails.
        """
        left = np.ascontiguousarray(images).reshape(-1).data
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise PixelFileError(_explain(error)) from error

    def gather(self, positions: np.ndarray) -> np.ndarray:
        """Reads images, from any thread.

        Args:
            positions: Of the images in the file, from 0, [batch].

        Returns:
            uint8 [batch, height, width, channels].

        Raises:
            IndexError: There is no image at a position.
            OSError: The disk fails.
        """
        images = np.empty((len(positions), *self.shape), np.uint8)
        file, size = self._file.fileno(), self._image_bytes
        content = images.reshape(-1).data
        for place, position in enumerate(positions.tolist()):
            if os.preadv(file, [content[place * size : (place + 1) * size]], position * size) != size:
                raise IndexError(f"the file of pixels has no image {position}")
        return images

    def close(self) -> None:
        """Removes the file."""
        self._file.close()


def check_room(images: int, image_size: int, processes: int) -> str:
    """Checks, before images are decoded, that the folder for temporary files has room for them.

    Args:
        images: Of all splits.
        image_size: Height and width, pixels.
        processes: How many keep them in files of their own.

    Returns:
        A sentence on the room that they take.

    Raises:
        PixelFileError: There is less room.
    """
    needed = processes * images * image_size**2 * features.CHANNELS
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PixelFileError(_explain(error)) from error
    of_processes = f" for {processes} processes" if processes > 1 else ""
    if needed > free:
        raise PixelFileError(
            _explain(
                OSError(errno.ENOSPC, f"they need {needed / 1e6:,.1f} MB{of_processes}, {free / 1e6:,.1f} are free")
            )
        )
    return f"{images:,} decoded images take {needed / 1e6:,.1f} MB{of_processes} in {folder}."


def _explain(error: OSError) -> str:
    advice = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make sure that it can be written to"
    folder = tempfile.tempdir or "a temporary folder"
    return (
        f"the decoded images cannot be kept in {folder} ({error.strerror or error}); {advice}, or name another folder "
        "in the environment variable TMPDIR, and run the same command again"
    )
