"""From git to what should be."""
