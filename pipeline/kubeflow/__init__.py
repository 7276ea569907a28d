"""The DAG on a cluster: its description for Kubeflow, and the entry of the containers that run its steps."""
