"""What a model computed inside, as values: traces, how far two of them are apart, and files."""
