"""From what should be and what is, to what must change, and to what became of it."""
