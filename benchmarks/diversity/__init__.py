"""Diversity against coherence: noise inside a model beside samplers, each with as many settings tried."""
