"""One file a question: a labelled source, an unlabelled target, a labelled test set.

Imports ``datasets``, the room above it, and ``datasets.sets``. Loads torch.
"""
