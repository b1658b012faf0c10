"""Functions of drugs_cpp._core for doses by their effect, and for how far answers agree."""

from collections.abc import Sequence as SequenceOf
from typing import TypedDict

class AnswerGroup(TypedDict):
    answer: str  # as it is compared; "": these texts contain no answer
    first: int  # index of the first text that gives it; 0 is the sober one
    n: int  # number of texts that give it, without the sober one

class Answers(TypedDict):
    kind: str  # what part of a text was taken as its answer: "choice", "number" or "text"
    agreement: float  # share of the other texts that give the sober text's answer
    entropy: float  # of the other texts' answers, in nats
    similarity: float  # mean Rouge-L F1 of all pairs of other texts
    groups: list[AnswerGroup]  # the largest first

def effect_names() -> list[tuple[str, float]]:
    """Return the names of effects, and the mean KL(sober || dosed) of the next token that they stand for, in nats."""

def effect_site() -> str:
    """Return the site of an effect that is given without one."""

def effect_nats() -> list[float]:
    """Return nats per squared radian of a small angle in all layers, by site, from two models together."""

def effect_floor() -> float:
    """Return nats under next to no dose, from two quantized models together."""

def estimated_angle(effect: float, floor: float, per_square: float) -> float:
    """Return the largest angle (radians) with about this effect (nats), if nats = floor + per_square * angle**2."""

def compare_answers(sober: str, others: SequenceOf[str], kind: str = "auto") -> Answers:
    """Compare answers to one question. OptionError: an unknown kind. ValueError: no other text."""

def answer_of(text: str, kind: str) -> str:
    """Return the answer that a text gives, as it is compared: a letter, a number, or a line; "" for none."""

def usual_doses() -> str:
    """Return the default doses of the varied answers, as JSON."""

def rouge_l(a: str, b: str) -> float:
    """Return Rouge-L F1 of two texts, 0 to 1, from the longest common subsequence of their words (Lin 2004)."""

def confidence(agreement: float, log_likelihood: float) -> float:
    """Return how likely a sober answer is to be right, 0 to 1; log_likelihood: mean over its tokens, in nats."""
