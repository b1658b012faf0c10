"""The effect of doses at each angle."""
