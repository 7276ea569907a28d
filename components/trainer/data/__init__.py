"""The images of the Trainer: decoded once, augmented batch by batch."""
