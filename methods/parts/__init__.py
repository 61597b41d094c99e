"""The ingredients of the algorithms: frozen hyper-parameters with the pure computation on them.

Imports ``methods.seeding`` and ``mistakes``. Loads torch.
"""
