"""The search: which points of the space are tried, by how many processes, and which one wins."""
