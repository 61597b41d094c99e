"""Records become one self-contained page: tables that sort, figures, differences of any two rows, sources of all.

Imports ``figures`` and ``tables``. Loads no torch.
"""
