"""Records become numbers, numbers become cells, cells become files and screens.

Imports ``studies``, ``records``, ``statistics`` and ``scores.catalogue``. Loads no torch.
"""
