"""Pairs of domains: labelled source images, unlabelled target images, a labelled target test set."""
