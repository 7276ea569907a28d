"""ModelCard: what was trained, how, and how well, as a Hugging Face style README.md."""
