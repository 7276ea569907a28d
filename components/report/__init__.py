"""Report: trials, evaluation and pictures as one self-contained page."""
