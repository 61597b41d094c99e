"""Engines do runs, on this machine or elsewhere, and return their records.

Imports ``running``, ``studies`` and ``records``. Loads torch only where a run begins.
"""
