"""What runs: contexts, sessions and runs under a dose. Nothing here knows a ``Llama``."""
