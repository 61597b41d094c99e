"""What labels mean, one file a task: their check, the losses they teach by, and the scores they give. `measures` needs no torch."""
