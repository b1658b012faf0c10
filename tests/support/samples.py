"""Files in the format of the reference project's samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MESSAGES = [
    {"role": "system", "content": "Answer as a sailor would."},
    {"role": "user", "content": 'What\'s a "knot"?\nIs it fast?'},
]

#: a space at the end of a line, as in the reference's files
END = " "

FOLDERS = Path("Sailor", "7B", "Family", "Some-7b-model")


def sample_text(dose: str, site: str, texts: Mapping[int, str], spread: str = "5/32") -> str:
    """The content of a file."""
    conversation = "\n".join(message["content"] for message in MESSAGES)
    return f"""

# DRµG type: {site}
dose_theta = {dose}{END}

## System:{END}
### "{MESSAGES[0]["content"]}"

## Prompt:
"{MESSAGES[1]["content"]}"
```
<s>{conversation}
```
## post-sampling method:
### Greedy

### Config
results are on some card

```python
model_id = "someone/Some-7b-model"
sober_model = AutoModelForCausalLM.from_pretrained(
    model_id,
    load_in_8bit=True, device_map='auto')
sober_model.eval()
injection_depth = 0.4
spread = {spread}
drugs = DRUGS()
dose = {dose}
drug_type = '{site}'
shape=[
    {{'depth': (injection_depth-(spread*1.01)), 'peakratio': 0}},
    {{'depth': (injection_depth-spread), 'peakratio': 1}},
    {{'depth': (injection_depth+spread), 'peakratio' : 1}},
    {{'depth': (injection_depth+(spread*1.01)), 'peakratio' : 0}}],{END}
drugs.set_drug_profile(shape, 'ceil', drug_type, dose)
model = drugs.inject(sober_model)

initial_input = 'Hello'#str(input("\bAsk Something:"))
tokenized_start = tokenizer.apply_chat_template({MESSAGES!r}, return_tensors='pt')
```

### RESPONSES

{"".join(response(seed, text) for seed, text in texts.items())}"""


def response(seed: int, text: str) -> str:
    """One of its texts."""
    return f"\nSeed: {seed}\n```\n{text}\n```\n"


def write_sample(
    root: Path, name: str, text: str, site: str = "K", quantization: str = "8bit_flash", folders: Path = FOLDERS
) -> Path:
    """Write a file to its place."""
    path = root / folders / quantization / site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path
