"""The records of runs on disk: one directory a run, written whole and once.

Imports ``mistakes`` alone. Loads no torch.
"""
