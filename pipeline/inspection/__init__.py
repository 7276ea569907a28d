"""`tokenlearner inspect`: one module for each view, which reads facts into dataclasses and shows them."""
