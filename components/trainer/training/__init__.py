"""How one network is trained, on one device or on many, and how that survives."""
