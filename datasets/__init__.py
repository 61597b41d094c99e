"""Pairs of domains: what they promise, which there are, and who may see their labels.

Imports its rooms ``tasks`` and ``files``, and ``mistakes``; it knows no method. ``catalogue`` loads no torch, the rest does.
"""
