"""The tasks, one file each: the form of labels, and the losses and scores of a task model.

Imports ``mistakes`` alone. ``measures`` loads no torch, the rest does.
"""
