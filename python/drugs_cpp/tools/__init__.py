"""What people start: the command line, the demo, the plugin of ``llm``."""
