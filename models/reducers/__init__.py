"""Token reducers: one file for each layer, and the registry from which everything else derives."""
