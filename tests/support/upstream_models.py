"""Tiny models in place of those that llama-cpp-python's own tests download."""

from __future__ import annotations

import re
from pathlib import Path

import gguf

from support.parrot_model import Table, write_parrot_model
from support.tiny_architectures import tiny_models
from support.tiny_embedding_model import write_tiny_embedding_model
from support.tiny_model import add_ascii, write_tiny_model

#: tokens whose ids the tests know
NUMBERED = {0: "!", 11: ",", 1814: " world", 9419: "Hello"}

END = "</s>"

#: what the tests expect as output
SENTENCE = (" fox", " jumps", " over", " the", " lazy", " dog", ".")
TABLE: Table = {
    **{token: {following: 9.0} for token, following in zip(SENTENCE, SENTENCE[1:])},
    " par": {"rot": 1.0},
    "\n": {"true": 9.0, **{str(number): 4.0 + 0.2 * number for number in range(1, 11)}},
}


def write_upstream_models(folder: Path, program: str, tests: str) -> dict[str, str]:
    """Write the models into a folder.

    Args:
        folder: where to write them.
        program: upstream's test-llama-archs, which writes a recurrent and a hybrid model.
        tests: the source of the tests, whose words are the tokens of the model that answers as they expect.

    Returns:
        Repository that upstream's tests download from -> path of the model in its place.
    """
    parrot, transformer, bert = (folder / f"{name}.gguf" for name in ("parrot", "transformer", "bert"))
    write_parrot_model(parrot, vocabulary_of(tests), END, TABLE)
    write_tiny_model(transformer)
    write_tiny_embedding_model(bert)
    return {
        "lmstudio-community/Qwen3.5-0.8B-GGUF": str(parrot),
        "ggml-org/models": str(transformer),
        "QuantFactory/mamba-130m-hf-GGUF": str(_random_model("mamba", folder, program)),
        "tiiuae/Falcon-H1-Tiny-90M-Instruct-GGUF": str(_random_model("falcon-h1", folder, program)),
        "CompendiumLabs/bge-small-en-v1.5-gguf": str(bert),
    }


def vocabulary_of(text: str) -> list[str]:
    """The words and signs of a text as tokens; those in NUMBERED have their ids."""
    words = {END, *re.findall(r" ?\w+|[^\w]", text)} - {*NUMBERED.values()}
    free = (number for number in range(max(NUMBERED)) if number not in NUMBERED)
    numbered = {**NUMBERED, **dict(zip(free, sorted(words)))}
    return [numbered.get(number, f"<unused {number}>") for number in range(max(NUMBERED) + 1)]


def _random_model(architecture: str, folder: Path, program: str) -> Path:
    """Return a copy of upstream's model with a vocabulary that can tokenize text, which the original cannot."""
    path = folder / f"{architecture}.gguf"
    with tiny_models(architecture, program) as paths:
        reader = gguf.GGUFReader(paths[0])
        writer = gguf.GGUFWriter(path, architecture)
        for name, field in reader.fields.items():
            value, is_array = field.contents(), field.types[:1] == [gguf.GGUFValueType.ARRAY]
            if name.startswith(f"{architecture}.") and value != []:
                writer.add_key_value(name, value, field.types[0], field.types[-1] if is_array else None)
        add_ascii(writer)
        for tensor in reader.tensors:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return path
