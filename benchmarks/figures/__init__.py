"""Records become charts and sheets of pictures.

Imports ``tables``. Loads no torch.
"""
