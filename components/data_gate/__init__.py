"""Data gate: stops the run before any training when the data is not what the schema says."""
