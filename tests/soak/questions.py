"""What the clients of the soak ask: a pool of different questions, drawn from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: per slot, in tokens
N_CTX = 256

N_SLOTS = 6

LONG = "Once upon a time the keeper of a lighthouse found a door behind the lamp, and told nobody about it."

#: some are prefixes of others, so that slots find parts of them in their caches
PROMPTS = (LONG[:1], LONG[:16], LONG[:42], LONG, "Two physicists shared a bicycle for eleven years.")

DOSES: tuple[dict[str, Any], ...] = (
    {"A": 0.4},
    {"H": 0.2, "Q": 0.2, "pK": 0.2, "pV": 0.3},
    {"K": 0.5, "V": 0.5},
    {"K": 0.3, "V": 0.4, "sober_interval": 11},
    {"A": 0.3, "pV": 0.2, "dose_inputs": True},
    {"V": 0.4, "noise": "reference", "sink": 2},
    {"H": 0.3, "shape": {"H": [{"depth": 0.2, "peakratio": 0}, {"depth": 0.7, "peakratio": 1}]}},
    {"A": 0.4, "K": 0.2, "sober_interval": 1},
    {"H": 0.2, "V": 0.3, "sober_interval": 1},
)


@dataclass(frozen=True)
class Question:
    """A request.

    Attributes:
        kind: its name in tables.
        path: where it is posted to.
        body: a JSON object, or bytes that are sent as they are.
        status: of the answer.
    """

    kind: str
    path: str
    body: Any
    status: int = 200

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def is_changed_by_showers(self) -> bool:
        """Whether the text continues differently if all slots are showered while it is written.

        Not if it is sober, and not if it is showered after each token anyway.
        """
        drugs = self.body.get("drugs", {}) if isinstance(self.body, dict) else {}
        return bool(drugs) and drugs.get("sober_interval") != 1


def pool(seed: int) -> list[Question]:
    """All questions of a soak."""
    rng = random.Random(seed)
    drawn = [question(rng) for question, number in KINDS.items() for _ in range(number)]
    return drawn + [Question("refused", path, body, 400) for path, body in REFUSED]


def _how(rng: random.Random) -> dict[str, Any]:
    """Doses and a sampler: half of all requests are sober, and a third are sampled."""
    drugs = rng.choice([{}, {**rng.choice(DOSES), "seed": rng.randrange(100)}])
    greedy: dict[str, Any] = {"temperature": 0}
    return {
        "drugs": drugs,
        **rng.choice([greedy, greedy, {"temperature": 0.9, "top_k": 20, "seed": rng.randrange(100)}]),
    }


def _messages(rng: random.Random) -> list[dict[str, str]]:
    return [{"role": "user", "content": rng.choice(PROMPTS)}]


def _completion(rng: random.Random) -> Question:
    body = {"prompt": rng.choice(PROMPTS), "n_predict": rng.randint(4, 48), "n_probs": 3, **_how(rng)}
    return Question("completion", "/completion", body)


def _stream(rng: random.Random) -> Question:
    body = {"prompt": rng.choice(PROMPTS), "n_predict": rng.randint(4, 48), "stream": True, **_how(rng)}
    return Question("stream", "/completion", body)


def _several(rng: random.Random) -> Question:
    body = {"prompt": rng.choice(PROMPTS), "max_tokens": rng.randint(4, 32), "n": rng.randint(2, N_SLOTS), **_how(rng)}
    return Question("several answers", "/v1/completions", body)


def _chat(rng: random.Random) -> Question:
    body = {"messages": _messages(rng), "max_tokens": rng.randint(4, 32), **_how(rng)}
    return Question("chat", "/v1/chat/completions", body)


def _chat_stream(rng: random.Random) -> Question:
    usage = {"stream_options": {"include_usage": True}}
    body = {
        "messages": _messages(rng),
        "max_tokens": rng.randint(4, 32),
        "n": rng.randint(1, 3),
        "stream": True,
        **usage,
    }
    return Question("chat stream", "/v1/chat/completions", {**body, **_how(rng)})


def _slot(rng: random.Random) -> Question:
    body = {
        "prompt": rng.choice(PROMPTS),
        "n_predict": rng.randint(4, 24),
        "id_slot": rng.randrange(N_SLOTS),
        **_how(rng),
    }
    return Question("chosen slot", "/completion", body)


def _without_cache(rng: random.Random) -> Question:
    body = {"prompt": rng.choice(PROMPTS), "n_predict": rng.randint(4, 24), "cache_prompt": False, **_how(rng)}
    return Question("no cached prompt", "/completion", body)


def _full(rng: random.Random) -> Question:
    """The text ends at the end of the context."""
    body = {"prompt": rng.choice(PROMPTS), "n_predict": 4 * N_CTX, "ignore_eos": True, **_how(rng)}
    return Question("full context", "/completion", body)


#: number of questions of each kind
KINDS: dict[Callable[[random.Random], Question], int] = {
    _completion: 16,
    _stream: 10,
    _several: 8,
    _chat: 6,
    _chat_stream: 6,
    _slot: 5,
    _without_cache: 4,
    _full: 3,
}

REFUSED: tuple[tuple[str, Any], ...] = (
    ("/completion", b'{"prompt": '),
    ("/completion", {"prompt": "word " * 2 * N_CTX}),  # longer than the context
    ("/completion", {"prompt": LONG, "drugs": {"Z": 0.1}}),
    ("/v1/completions", {"prompt": LONG, "stream": True, "drugs": {"A": 7}}),
    ("/v1/chat/completions", {"drugs": {"A": 0.1}}),
    (f"/slots/{N_SLOTS}?action=shower", {}),
)
