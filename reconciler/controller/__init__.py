"""When to walk the line, and who hears of it: the loop, its wake-ups, metrics and HTTP server."""
