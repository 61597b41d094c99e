"""Methods learn to carry source images into the target's look: one file an algorithm, and the modules that all share.

The algorithms import ``methods.parts`` and ``methods.networks``, all else ``mistakes`` alone; none knows a data set or a score.
Everything but ``recipes``, ``recipe`` and ``settings`` loads torch.
"""
