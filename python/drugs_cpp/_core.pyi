"""The compiled half of drugs_cpp. Besides built-in exceptions it raises those in drugs_cpp.errors.

Addresses of contexts are checked only for 0, which means a closed context and raises a StateError.
"""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from drugs_cpp._core_answers import *  # noqa: F403  # the same module
from drugs_cpp._core_trace import *  # noqa: F403

class Device(TypedDict):
    name: str
    description: str
    kind: str  # "CPU", "GPU", "IGPU" for a GPU that shares main memory, or "other"

class Dose(TypedDict):
    table: npt.NDArray[np.float32]
    seed: int
    sink: int
    noise: str
    hold: list[int]
    shared_layers: bool
    angle: str
    turn: str
    apart: int
    course: list[tuple[int, float]]
    course_start: int
    start: int

def set_dose(
    ctx: int,
    seq_id: int,
    table: npt.ArrayLike,
    seed: int,
    sink: int,
    noise: str = "isotropic",
    hold: SequenceOf[int] | None = None,
    shared_layers: bool = False,
    angle: str = "uniform",
    turn: str = "rotation",
    apart: int = 0,
    course: SequenceOf[tuple[int, float]] = (),
    course_start: int = 0,
    start: int = 0,
) -> None:
    """Dose a sequence, 0 to n_seq_max - 1, of the llama_context at an address, from its next token on.

    Args:
        table: float32 (n_layer, n_sites), largest angles in radians; the columns are those of site_names().
        seed: 0 to 2**32 - 1.
        sink: number of first positions that are never dosed.
        noise, angle, turn: "isotropic" or "reference"; "uniform", "half-normal" or "fixed"; "rotation", "addition",
            "nlerp" or "elementwise".
        hold: at each site, for how many positions angle and direction stay the same; 0: all. None: 1 at every site.
        shared_layers: all layers use the numbers of layer 0.
        apart: which of the seed's mutually orthogonal directions, 1 or more; 0: any direction.
        course: (token, ratio) points with straight lines between them, in ascending order of tokens: factors on all
            angles at positions course_start + token.
        start: first position whose token is dosed, if it is past the sink.

    A DoseError: a table of another shape, an angle that is not from 0 to pi, a negative number, kinds that do not go
    together, no such sequence, a site that no dosed layer has, a model whose heads are divided between devices.
    """

def get_dose(ctx: int, seq_id: int) -> Dose | None:
    """Return the dose of a sequence, or None if it is sober."""

def clear_dose(ctx: int, seq_id: int) -> None:
    """Make a sequence sober, or all of them with seq_id = -1."""

def set_repeatable(ctx: int, seq_id: int, repeatable: bool) -> None:
    """Make each token of a sequence, or of all (-1), get the same bits in any batch; DoseError if it is impossible."""

def can_repeat(ctx: int) -> bool:
    """Whether :func:`set_repeatable` is possible: no device other than the CPU computes."""

def repeats_cheaply(ctx: int) -> bool:
    """Whether it also costs at most a few percent of time with the types of the model's matrices."""

def has_sites(ctx: int, noise: str = "isotropic") -> npt.NDArray[np.bool_]:
    """Return which layers of the context's model have which sites: bool (n_layer, n_sites); DoseError as set_dose()."""

def n_layer(ctx: int) -> int:
    """Return the number of rows of a dose table for this context."""

def site_names() -> list[str]:
    """Return the names of the columns of a dose table."""

def profile_ratio(points: SequenceOf[tuple[float, float]], mode: str, depth: float) -> float:
    """Return the share of a dose that a depth gets; layer i of n lies at i / n.

    points: 1 to 1000 (depth, ratio) pairs in any order; those at the same depth keep theirs. mode: "interpolate",
    "ceil" or "floor". A DoseError: something else, a depth that is not finite, a ratio that is negative or not finite.
    """

def course_points(points: SequenceOf[tuple[float, float]], mode: str) -> list[tuple[int, float]]:
    """Return a course of (token, ratio) pairs as points with straight lines between them. DoseError: as above."""

def dose_table(
    thetas: SequenceOf[float],
    profiles: Mapping[int, tuple[SequenceOf[tuple[float, float]], str]],
    multiplier: float,
    n_layer: int,
) -> npt.NDArray[np.float32]:
    """Return the largest angle of each layer and site, multiplier * theta * ratio: float32 (n_layer, n_sites), radians.

    Args:
        thetas: one angle in radians for each site, in the order of site_names().
        profiles: column of a site -> its (points, mode), as for profile_ratio(); a site that is missing gets its full
            dose in every layer.
        n_layer: layers of the model, 1 to 1024.

    A DoseError: another number of angles, an unknown site, or a number that is out of range or not finite.
    """

def rotate(
    x: npt.ArrayLike,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    layer: int,
    site: str,
    n_threads: int = 1,
    noise: str = "isotropic",
    device: str = "CPU",
    angle: str = "uniform",
    turn: str = "rotation",
    apart: int = 0,
) -> npt.NDArray[np.float32]:
    """Turn each row of x by a random angle below theta, as the model does at a site.

    Args:
        x: float32 (n_tokens, n_head, d), any strides.
        theta: largest angle in radians.
        seed, positions, layer: 0 to 2**32 - 1, int32 (n_tokens,), 0 to 1023.
        site, device: one of site_names(), name of one of devices().
        noise, angle, turn, apart: as for :func:`set_dose`.
        n_threads: 1 to 512.

    Returns float32 (n_tokens, n_head, d): y = cos(a) x + sin(a) |x| u/|u| with a ~ Uniform(0, theta) and u the part
    orthogonal to x of d standard normals, or, for reference noise, of d numbers from Uniform(0, 1); other kinds as in
    docs/noise.md. A ValueError: an argument out of range, a device that does not exist or has no kernel for this.
    """

def attend_scores(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    cells: npt.ArrayLike,
    layer: int = 0,
    sink: int = 0,
    n_threads: int = 1,
    noise: str = "isotropic",
    cache_type: str = "f32",
    device: str = "CPU",
    angle: str = "uniform",
    turn: str = "rotation",
) -> npt.NDArray[np.float32]:
    """Return the scores of queries with keys that are turned for each query, as the model computes them at site K.

    Args:
        q, k: float32 (n_tokens, n_head, d) and (n_kv, n_head_kv, d).
        positions: int32 (n_tokens,), of the queries.
        cells: int32 (n_kv,), positions of the keys; -1 for an empty cell.
        sink: keys of positions below it are not turned.
        cache_type: ggml's name for the type in which the keys are stored.
        theta, seed, layer, n_threads, noise, device, angle, turn: as for :func:`rotate`.

    Returns float32 (n_head, n_tokens, n_kv). A ValueError: shapes that do not fit, or an argument out of range.
    """

def attend_values(
    p: npt.ArrayLike,
    v: npt.ArrayLike,
    transposed: bool,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    cells: npt.ArrayLike,
    layer: int = 0,
    sink: int = 0,
    n_threads: int = 1,
    noise: str = "isotropic",
    cache_type: str = "f32",
    device: str = "CPU",
    angle: str = "uniform",
    turn: str = "rotation",
) -> npt.NDArray[np.float32]:
    """Return sums of values that are turned for each query head and token, as the model computes them at site V.

    Args:
        p: float32 (n_head, n_tokens, n_kv), weights, not negative.
        v: float32 (n_kv, n_head_kv, d), or (n_head_kv, d, n_kv) if ``transposed``, which must not change the result.
        theta, seed, positions, cells, layer, sink, n_threads, noise, cache_type, device, angle, turn: as for
            :func:`attend_scores`, which raises the same errors.

    Returns float32 (n_head, n_tokens, d).
    """

def cache_memory(ctx: int) -> list[tuple[int, int | None]]:
    """Return, for each kind of memory, the bytes of a context's cache and the bytes still free (None: main memory)."""

def devices() -> list[Device]:
    """Return the devices that ggml can use, here and on the RPC servers that were added."""

def add_rpc_server(endpoint: str) -> None:
    """Let models loaded from now on use the devices of an RPC server; a second call has no effect. A server must listen
    at "host:port" (IPv4), or llama.cpp aborts. RpcServerError: a build without RPC, no devices."""

def sample(ctx: int, sampler: int, row: int) -> int:
    """Choose a token from a row of logits (-1: the last token's) with the llama_sampler at an address.

    NoLogitsError: that row has none. DecodeError: a grammar allows no token.
    """

def tokenize(vocab: int, text: bytes, add_bos: bool, special: bool) -> list[int]:
    """Return the tokens of a text; PromptError if the llama_vocab at an address cannot represent it."""

def detokenize(vocab: int, tokens: SequenceOf[int], special: bool) -> bytes:
    """Return the text of tokens; TokenError for one that the llama_vocab at an address does not have."""

class ShowerLedger:
    """Which positions of a sequence's cache are dirty, and when a cold shower is due. It does not use a context."""

    def __init__(self) -> None: ...
    def computed(self, start: int, end: int, dosed: bool, sink: int) -> None:
        """Note that positions were computed.

        What the sequence held from start on is replaced. Earlier positions that were never noted are clean. If dosed,
        positions from sink on are dirty, and all others clean. A CountError: not 0 <= start <= end.
        """
    def cut(self, n_tokens: int) -> None:
        """Note that the sequence was shortened to n_tokens positions. Does nothing if it has fewer."""
    def shift(self, n_keep: int, n_gone: int) -> None:
        """Note that n_gone positions after the first n_keep were removed, and later ones moved into their place."""
    def clear(self) -> None:
        """Note that the sequence was emptied."""
    @property
    def n_tokens(self) -> int:
        """Number of noted positions, including clean ones."""
    @property
    def n_dirty(self) -> int:
        """Number of dirty positions."""
    @property
    def first_dirty(self) -> int | None:
        """The first dirty position, or None."""
    def is_due(self, interval: int) -> bool:
        """Whether at least interval positions, and at least one, are dirty."""
    def until_due(self, interval: int) -> int:
        """Return how many dosed tokens may still be computed before a shower is due, 0 or more."""
    def flags(self) -> npt.NDArray[np.bool_]:
        """Return which positions are dirty: bool (n_tokens,), a copy."""
    def load(self, flags: npt.ArrayLike) -> None:
        """Restore what flags() returned. A ValueError: not one flag for each position."""

def shorten(ctx: int, seq_id: int, n_tokens: int) -> int:
    """Make the cache of a sequence end after n_tokens positions, or empty it if it cannot go back there.

    A sliding window may have lost what the shortened sequence looks at; a recurrent state has only its last position.
    Returns n_tokens, or 0 if the cache was emptied. A ValueError: no such sequence, fewer than 0 positions."""

def default_threads(root: str = "", processors: SequenceOf[int] | None = None) -> int:
    """Return the default number of threads, at least 1.

    This is the number of physical cores that this process may run on, without slow cores if there are fast ones, and at
    most what its control groups allow, rounded up. Tests use another root and processors.
    """

class Changes:
    """A counter of changes, which makes a decoder stop. Any thread may use it."""

    def __init__(self) -> None: ...
    def add(self) -> None:
        """Increase it by one."""
    @property
    def value(self) -> int:
        """The current value."""

class Sequence:
    """A sequence that is being continued.

    Args:
        seq_id: its number in the context.
        n_past: number of tokens in its cache.
        n_max: new tokens after which it ends, 1 or more.
        n_extra: further tokens that may complete a character that ``n_max`` would cut, 3 at most.
        stop: UTF-8 strings that end it, and are not part of its text.
        stop_tokens: tokens that end it, besides those of the vocabulary.
        sampler: address of a llama_sampler, which must live as long; 0: the most likely token is taken.
        twin: a sequence that gets the same tokens, sober; -1: none.
        ledger: where a decoder's run() notes each token that it has put into the cache, or None.
    """

    def __init__(
        self,
        seq_id: int,
        n_past: int,
        n_max: int,
        *,
        n_extra: int = 0,
        stop: SequenceOf[bytes],
        stop_tokens: SequenceOf[int],
        sampler: int,
        twin: int = -1,
        ledger: ShowerLedger | None = None,
    ) -> None: ...
    seq_id: int
    #: whether the context has a dose for it now, so that its next tokens are dirty in the ledger; initially False
    dosed: bool
    #: number of first positions that this dose leaves out; initially 0
    sink: int
    @property
    def ledger(self) -> ShowerLedger | None:
        """As given. Only run() may use it while it decodes."""
    @property
    def n_past(self) -> int:
        """Number of tokens in the cache."""
    @property
    def has_text(self) -> bool:
        """Whether take_text() would return something before the end."""
    @property
    def tokens(self) -> list[int]:
        """New tokens; the last one goes into the cache at the next step."""
    @property
    def n_tokens(self) -> int:
        """Number of new tokens."""
    @property
    def end(self) -> str | None:
        """Why it ended: "eos", "stop", "length", or "failed" if its sampler raised; None while it continues."""
    def take_text(self) -> bytes:
        """Return text not taken yet: whole characters that no stop string can take back, and at the end the rest."""

class Decoder:
    """Evaluates and decodes in one context, with the GIL released. A context has one decoder as long as it is used."""

    def __init__(self, ctx: int) -> None: ...
    def evaluate(
        self, tokens: SequenceOf[int], n_past: int, seq_ids: SequenceOf[int], shared: bool = True, outputs: bool = False
    ) -> None:
        """Evaluate tokens after n_past others, in batches as large as the context allows.

        Args:
            tokens: token ids.
            n_past: position of the first one.
            seq_ids: sequences that get them.
            shared: the sequences share the tokens; False: each gets its own copies, in one batch.
            outputs: the logits of all tokens of the last batch are kept, not only those of the last token.

        Raises:
            ValueError: no sequence, one that does not exist or is given twice, positions below 0, too many copies.
            TokenError, ContextOverflowError, DecodeError: not in the vocabulary; no room; llama.cpp failed.
            KeyboardInterrupt: or whatever a signal handler raises.
        """
    def choose(self, sequence: Sequence, logits: npt.ArrayLike) -> None:
        """Choose the next token of a sequence that has not ended; logits: float32 (n_vocab,), otherwise a ValueError.

        A DecodeError: its sampler has a grammar that allows no token. The sequence has then ended.
        """
    def logits(self) -> npt.NDArray[np.float32]:
        """Return the last logits, float32 (n_vocab,); NoLogitsError if nothing was evaluated yet."""
    def run(
        self,
        sequences: SequenceOf[Sequence],
        n_steps: int,
        unchanged: SequenceOf[tuple[Changes, int]],
        text: bool,
        sober_interval: int | None = None,
    ) -> None:
        """Feed the last token of every sequence and choose the next one, again and again.

        Args:
            sequences: each has a token and has not ended; one token of each, and of its twin, makes a batch.
            n_steps: largest number of tokens of each.
            unchanged: return when one of these has another value.
            text: return when a sequence has text.
            sober_interval: return when this many positions are dirty in a sequence's ledger, so that a shower is due;
                before the first token if it is already due. None: continue.

        Raises as evaluate(); the tokens so far are kept, and noted. A ValueError: also a sequence that has ended, or
        more than a batch holds. A DecodeError: also a grammar that allows no token; its sequence has ended.
        """

class BackgroundEvaluation:
    """Evaluates tokens in a C++ thread (or MemoryLimitError). Nothing else may use the context until it has ended."""

    def __init__(self, ctx: int, tokens: SequenceOf[int], n_past: int, seq_id: int) -> None: ...
    @property
    def is_complete(self) -> bool:
        """Whether all tokens are computed: it has ended, was not stopped and did not fail."""
    def wait(self) -> None:
        """Wait for its end, or until a signal handler raises something."""
    def stop(self) -> None:
        """Make it end as soon as possible, and wait for that."""
