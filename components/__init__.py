"""The steps of the DAG, one folder or file each."""
