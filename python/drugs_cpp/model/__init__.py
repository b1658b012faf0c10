"""``drugs_cpp.Llama``: llama-cpp-python's ``Llama`` with doses, and what its methods need."""
