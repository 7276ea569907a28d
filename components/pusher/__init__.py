"""Versions that a server may load: published whole, verified byte by byte, removed when they are old."""
