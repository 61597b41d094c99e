"""Intervals and tests on numbers, NumPy alone.

Imports nothing of this project. Loads no torch.
"""
