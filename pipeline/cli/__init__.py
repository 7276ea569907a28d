"""The command line `tokenlearner`: one module per command group."""
