"""Images in a local file instead of memory: written once, then read by their positions; without TensorFlow.

Axes: images, batch, height, width, channels.
"""

import errno
import math
import os
import tempfile

import numpy as np


class PixelFileError(Exception):
    """The images cannot be kept; the message says why and what would be right."""


class PixelFile:
    """Images of one shape, one after the other, in a temporary file.

    The file has no name, so that it goes with the process, even one that is killed. It is read rather than mapped into
    memory: the kernel keeps in its cache what there is room for, and the process does not grow. It lies where
    `tempfile` says, which is in the folder `TMPDIR`.

    Args:
        shape: Height, width and channels of an image.
        dtype: Of a value.

    Raises:
        PixelFileError: No file can be made.
    """

    def __init__(self, shape: tuple[int, ...], dtype: type[np.generic] | np.dtype = np.uint8) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._image_bytes = math.prod(shape) * self.dtype.itemsize
        try:
            self._file = tempfile.TemporaryFile(prefix="tokenlearner-", buffering=0)  # noqa: SIM115 - see close
        except OSError as error:
            raise PixelFileError(_explain(error)) from error

    def append(self, images: np.ndarray) -> None:
        """Writes images behind those that are there.

        Args:
            images: [batch, height, width, channels].

        Raises:
            ValueError: The images are not of the file's shape and dtype.
            PixelFileError: The disk is full or fails.
        """
        if images.shape[1:] != self.shape or images.dtype != self.dtype:
            raise ValueError(f"images are {images.dtype} {images.shape[1:]}; they must be {self.dtype} {self.shape}")
        left = np.ascontiguousarray(images).reshape(-1).view(np.uint8).data
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
            [batch, height, width, channels].

        Raises:
            IndexError: There is no image at a position.
            OSError: The disk fails.
        """
        images = np.empty((len(positions), *self.shape), self.dtype)
        file, size = self._file.fileno(), self._image_bytes
        content = images.reshape(-1).view(np.uint8).data
        for place, position in enumerate(positions.tolist()):
            if os.preadv(file, [content[place * size : (place + 1) * size]], position * size) != size:
                raise IndexError(f"the file of pixels has no image {position}")
        return images

    def close(self) -> None:
        """Removes the file."""
        self._file.close()


def _explain(error: OSError) -> str:
    advice = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it a folder that works"
    folder = tempfile.tempdir or "a temporary folder"
    return (
        f"the decoded images cannot be kept in {folder} ({error.strerror or error}); {advice}, or name another folder "
        "in the environment variable TMPDIR, and run the same command again"
    )
