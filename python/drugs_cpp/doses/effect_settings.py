"""The part of :class:`DRUGS` that deals with doses by their effect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from drugs_cpp.doses.arguments import SETTING_KEYWORDS
from drugs_cpp.doses.effect import EFFECT_SITE, plain_effect, read_effect
from drugs_cpp.doses.sites import check_sites
from drugs_cpp.keywords import naming_keywords

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from drugs_cpp.doses.arguments import DoseArguments, DoseSettings
    from drugs_cpp.doses.dosage import Dosage

#: the class itself
Own = TypeVar("Own", bound="EffectSettings")


class EffectSettings(ABC):
    """Class methods that make doses by their effect, and the property ``effect``."""

    __slots__ = ()

    if TYPE_CHECKING:  # the class methods call it

        def __init__(self, values: Any = None, /, **arguments: Unpack[DoseArguments]) -> None: ...

    @property
    @abstractmethod
    def dosage(self) -> Dosage:
        """Everything that is set, as one immutable value."""

    @abstractmethod
    def _change(self, change: Callable[[Dosage], Dosage]) -> None:
        """Change everything at once, or raise and change nothing."""

    @classmethod
    @naming_keywords(SETTING_KEYWORDS)
    def by_effect(
        cls: type[Own],
        kl: str | float,
        site: str | Iterable[str] = EFFECT_SITE,
        **settings: Unpack[DoseSettings],
    ) -> Own:
        """Return a dose that moves the probabilities of the next token by a given amount, on any model.

        Args:
            kl: mean KL(sober ‖ dosed) of the next token in nats, or a name: "mild" 0.01, "medium" 0.05, "strong" 0.2.
            site: one of ``SITES``, or several, which get the same angle.
            **settings: everything else, as for :class:`DRUGS`.

        Raises:
            DoseError: not a positive number, an unknown name or site.
        """
        return cls(dict.fromkeys(check_sites(site), 1.0), effect=read_effect(kl), **settings)

    @classmethod
    @naming_keywords(SETTING_KEYWORDS)
    def mild(cls: type[Own], **settings: Unpack[DoseSettings]) -> Own:
        """A dose of 0.01 nats, which changes 8 % of the tokens of SmolLM2-135M."""
        return cls(effect="mild", **settings)

    @classmethod
    @naming_keywords(SETTING_KEYWORDS)
    def medium(cls: type[Own], **settings: Unpack[DoseSettings]) -> Own:
        """A dose of 0.05 nats, which changes 15 % of them."""
        return cls(effect="medium", **settings)

    @classmethod
    @naming_keywords(SETTING_KEYWORDS)
    def strong(cls: type[Own], **settings: Unpack[DoseSettings]) -> Own:
        """A dose of 0.2 nats, which changes 25 % of them."""
        return cls(effect="strong", **settings)

    @property
    def effect(self) -> str | float | None:
        """How far the dose moves the probabilities of the next token: a name or nats. None: the dose has angles."""
        kl = self.dosage.effect
        return None if kl is None else plain_effect(kl)

    @effect.setter
    def effect(self, effect: str | float | None) -> None:
        self._change(lambda dosage: dosage.with_effect(effect))
