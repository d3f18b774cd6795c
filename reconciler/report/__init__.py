"""From plans and outcomes to text, JSON, Markdown and HTML."""
