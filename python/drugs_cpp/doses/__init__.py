"""What the user asks for: angles by site, profiles, noise, seed. These are plain values; nothing runs here."""
