"""What can be said: one small file a kind."""
