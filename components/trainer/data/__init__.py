"""The images as the Trainer reads them: decoded once, augmented batch by batch."""
