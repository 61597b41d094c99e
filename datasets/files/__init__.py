"""Files from outside: where they lie, how they are brought, checked and read, and when they may not be.

Imports ``mistakes`` alone. Loads no torch.
"""
