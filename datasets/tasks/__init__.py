"""What labels mean, one file a task: how they are checked, what a model is taught of them, how it is scored.

Imports ``mistakes`` alone. ``measures`` loads no torch, the rest does.
"""
