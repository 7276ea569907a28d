"""Which points of the space are tried, by how many processes, and which one is chosen."""
