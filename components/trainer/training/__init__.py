"""The training of one network, on one device or on several, with checkpoints."""
