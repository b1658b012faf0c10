"""How well does it tell right answers from wrong ones, how far varied answers agree with them?"""
