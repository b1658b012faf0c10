"""The real model with a few of its layers: its words and its quantized matrices, in a fifth of the time."""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFReader, GGUFValueType, GGUFWriter

#: of 30. The model's text is not English, and any bit that changes soon changes a word.
LAYERS = [0, 1, 28, 29]


def write_short_model(source: str | Path, path: Path, layers: list[int] = LAYERS) -> None:
    """Write the model ``source`` with only these layers, in this order."""
    reader = GGUFReader(str(source))
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(str(path), architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer has already added them
        value = len(layers) if name == f"{architecture}.block_count" else field.contents()
        kind = field.types[0]
        writer.add_key_value(name, value, kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        name = tensor.name
        if name.startswith("blk."):
            layer, rest = name[len("blk.") :].split(".", 1)
            if int(layer) not in layers:
                continue
            name = f"blk.{layers.index(int(layer))}.{rest}"
        writer.add_tensor(name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
