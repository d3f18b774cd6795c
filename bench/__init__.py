"""What the reconciler costs, beside a script that does no more than the API needs."""
