"""Of ``_core``: doses by their effect, and how far answers agree."""

from collections.abc import Sequence as SequenceOf
from typing import TypedDict

class AnswerGroup(TypedDict):
    answer: str  # as it is compared; "": these texts hold none
    first: int  # index of the first text that gives it; 0 is the sober one
    n: int  # texts that give it, without the sober one

class Answers(TypedDict):
    kind: str  # what of a text was taken for its answer: "choice", "number" or "text"
    agreement: float  # share of the other texts that give the sober text's answer
    entropy: float  # of the other texts' answers, in nats
    similarity: float  # mean Rouge-L F1 of all pairs of other texts
    groups: list[AnswerGroup]  # the largest first

def effect_names() -> list[tuple[str, float]]:
    """Names of effects, and the mean KL(sober || dosed) of the next token that they mean, in nats."""

def effect_site() -> str:
    """Where an effect is sought that comes without a site."""

def effect_nats() -> list[float]:
    """Nats for each squared radian of a small angle in all layers, by site, as one model has it."""

def effect_floor() -> float:
    """Nats under next to no dose, as one model in Q4_1 has it."""

def estimated_angle(effect: float, floor: float, per_square: float) -> float:
    """The largest angle (radians) with about this effect (nats), where nats = floor + per_square * angle**2."""

def compare_answers(sober: str, others: SequenceOf[str], kind: str = "auto") -> Answers:
    """Compare answers to one question. OptionError: an unknown kind. ValueError: no other text."""

def answer_of(text: str, kind: str) -> str:
    """The answer that a text gives, as it is compared: a letter, a number, or a line; "" for none."""

def usual_doses() -> str:
    """Doses of the varied answers where none are given, as JSON."""

def rouge_l(a: str, b: str) -> float:
    """Rouge-L F1 of two texts, 0 to 1: of the longest common subsequence of their words (Lin 2004)."""

def confidence(agreement: float, entropy: float, similarity: float, log_likelihood: float) -> float:
    """How likely a sober answer is to be right, 0 to 1; log_likelihood: mean of its tokens, in nats."""
