"""The command line `tokenlearner push`: what is served, whether it is whole, and the way back to an older version."""
