"""From a cloud that exists to files that state it: the way in for whoever takes one over."""
