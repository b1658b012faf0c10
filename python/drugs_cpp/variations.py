from drugs_cpp.generation import DosedGeneration
class DosedVariations(DosedGeneration): pass
