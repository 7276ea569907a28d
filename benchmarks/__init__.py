"""Side-by-side measurements; each prints tables, and leaves a result file in its long form, `--full`."""

import logging
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of missing accelerators otherwise
warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # of the age of Python 3.10
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # and, of any module, in child processes
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of retracing, but every network must be traced
