"""Versions that a server may load: published whole, told apart byte by byte, removed when they are old."""
