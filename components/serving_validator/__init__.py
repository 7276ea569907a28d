"""Proves that an exported model serves: a fresh process loads it and answers requests."""
