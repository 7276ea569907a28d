"""A run: the parent that shows it, the child that executes it, the events between them, and the dry run."""
