"""Evaluator: measures models on the test split and decides which one is blessed."""
