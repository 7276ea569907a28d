"""Trainer: reads, searches, fits the winner and exports it."""
