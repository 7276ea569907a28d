"""What one step writes and others read: a dataclass each, with one writer and one reader."""
