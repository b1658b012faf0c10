"""How well the agreement of varied answers tells right answers from wrong ones."""
