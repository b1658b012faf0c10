"""Random sequences of public calls, against a model of their effects: hypothesis' state machines (``machine.py``).

``tests/test_random_calls.py`` makes about a thousand calls; ``make random-calls`` as many as requested, in slices.
"""
