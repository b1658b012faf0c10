"""A random sequence of public calls, beside a model of what they must do: hypothesis' state machines (``machine.py``).

``tests/test_random_calls.py`` makes some thousand calls; ``make random-calls`` as many as are wanted, in slices.
"""
