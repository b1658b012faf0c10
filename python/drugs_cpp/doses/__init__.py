"""What the user asks for: angles by site, profiles, noise, seed. Values only; nothing runs here."""
