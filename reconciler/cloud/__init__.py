"""From OpenStack to what is."""
