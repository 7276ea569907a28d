"""Evaluator and Gate: what is measured on the test split, and what blesses a model."""
