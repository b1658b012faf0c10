"""The explorer as its users see it: in a browser, from the disk."""
