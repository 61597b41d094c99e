"""Files from outside: where they lie, how they are brought, checked and read.

Imports ``mistakes`` alone. Loads no torch.
"""
