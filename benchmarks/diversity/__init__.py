"""Diversity against coherence: noise inside a model compared with samplers, all with the same number of settings."""
