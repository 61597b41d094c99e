"""Methods that learn to carry source images into the target's look; they know no data set and no score."""
