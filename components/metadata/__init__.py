"""ML Metadata: the only package that opens it."""
