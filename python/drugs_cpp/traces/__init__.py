"""What a model computed inside, as values: traces, how far apart two of them are, and their files."""
