"""Reads text files that may be in a bucket."""

import pathlib


def read_text(path: str) -> str:
    """Reads a text file; TensorFlow, which reads from buckets, takes seconds to import.

    Raises:
        FileNotFoundError: It does not exist; the message is its path.
        OSError: It cannot be read.
    """
    if "://" not in path:
        if not pathlib.Path(path).exists():
            raise FileNotFoundError(path)
        return pathlib.Path(path).read_text()
    import tensorflow as tf

    try:
        content: str = tf.io.gfile.GFile(path).read()
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(path) from error
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return content
