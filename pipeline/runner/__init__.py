"""A run: the parent process that shows it, the child process that executes it, and the events between them."""
