"""What a person asks about runs: a module a view, each of which reads facts into dataclasses and shows them."""
