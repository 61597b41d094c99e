"""Methods that learn to carry source images into the target's look, one file an algorithm, and what every algorithm leans on.

Imports ``mistakes`` alone; it knows no data set and no score. Everything but ``recipes``, ``recipe`` and ``settings`` loads torch.
"""
