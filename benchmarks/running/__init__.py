"""One spec becomes one record: the only room where a method meets data.

Imports ``evaluation``, ``studies`` and ``records``. Loads torch.
"""
