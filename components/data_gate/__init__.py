"""Data gate: stops the run before any training if the data is not what the schema says."""
