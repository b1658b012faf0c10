"""How much of an unseen text a model can still repeat under a dose."""
