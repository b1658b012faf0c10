"""What doses do at each angle."""
