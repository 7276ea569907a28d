"""What runs: configuration, the DAG, its runner and the command line."""
