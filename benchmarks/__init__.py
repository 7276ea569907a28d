"""Side-by-side measurements; each prints tables, and with `--full` also writes a result file."""

import logging
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # or TensorFlow reports missing accelerators
warnings.filterwarnings("ignore", category=FutureWarning, module="google")  # about the end of support of Python 3.10
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # the same in child processes
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns about retracing, but every network must be traced
