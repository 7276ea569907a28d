"""How Beam runs unless somebody wants it otherwise."""

# Beam's in-memory direct runner; by the name DirectRunner Beam first downloads another one, Prism, and tries that.
BEAM_ARGS = ["--runner=FnApiRunner"]
