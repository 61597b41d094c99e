"""One file a score; each is a function of images, features or an adapter, never of a method."""
