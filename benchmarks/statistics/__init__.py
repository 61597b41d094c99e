"""Intervals and tests on numbers, NumPy alone.

Imports ``mistakes`` alone. Loads no torch.
"""
