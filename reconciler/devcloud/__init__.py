"""From pinned packages, to a real OpenStack (API services only) on the loopback interface."""
