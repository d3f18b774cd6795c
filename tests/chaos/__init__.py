"""What goes wrong between us and a cloud, made to go wrong on purpose."""
