"""Side-by-side measurements; each prints tables, and leaves a result file in its long form, `--full`."""

import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of missing accelerators otherwise
warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # of the age of Python 3.10
