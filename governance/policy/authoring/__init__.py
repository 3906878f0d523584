"""Changes of a bundle by its author: on values, written back into the author's own text. Nothing else is touched."""
