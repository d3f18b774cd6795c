"""The command line: words in, answers on stdout, the story on stderr, exit codes for programs."""
