"""Whether programs that were compiled for another system compute there what this one computes here."""
