"""The soak: a server with more clients than slots, in which every answer must be the same as alone (`make soak`)."""
