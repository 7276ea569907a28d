"""The command line `tokenlearner push`: lists, verifies, rolls back and uploads pushed versions."""
