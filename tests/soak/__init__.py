"""The soak: a server with more clients than slots, where every answer must be what it is alone (`make soak`)."""
