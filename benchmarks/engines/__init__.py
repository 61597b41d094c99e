"""Engines place runs somewhere and bring their records back.

Imports ``running``, ``studies`` and ``records``. Loads torch only where a run begins.
"""
