"""Finds offers by words in Chinese, English, Japanese or Vietnamese."""

import re
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.catalog.categories import DEPARTMENTS
from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.offers import Offer

# A run of Chinese or Japanese, or a word of any other script.
_RUN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]+"
)
_IDEOGRAPHIC = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
KEPT = 256
"""Searches whose offers are kept."""
_SILENT = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"})


def tokens(text: str) -> tuple[str, ...]:
    """The words to look for: Chinese and Japanese cut at the words of the vocabulary, the rest at blanks."""
    found: list[str] = []
    for run in _RUN.findall(text.lower()):
        if _IDEOGRAPHIC.match(run):
            found.extend(_cut(run))
        elif run not in _SILENT:
            found.append(_stem(run))
    return tuple(dict.fromkeys(found))


class KeywordIndex:
    """The words of every offer of a catalogue, gathered on first use."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.find = lru_cache(maxsize=KEPT)(self._find)
        """The offers that match the most words: first those that do so in the title, then the best selling.

        Every offer, without words.
        """

    @cached_property
    def _texts(self) -> list[tuple[Offer, str, str]]:
        best_selling = sorted(self._catalogue.offers, key=lambda offer: (-offer.sold_30d, offer.offer_id))
        return [(offer, *_searchable(offer)) for offer in best_selling]

    def _find(self, keyword: str) -> tuple[Offer, ...]:
        wanted = tokens(keyword)
        scored = [
            (sum(token in text for token in wanted), sum(token in title for token in wanted), offer)
            for offer, title, text in self._texts
        ]
        most = max(matched for matched, _, _ in scored)
        if wanted and not most:
            return ()
        best = [(in_title, offer) for matched, in_title, offer in scored if matched == most]
        return tuple(offer for _, offer in sorted(best, key=lambda each: -each[0]))


def _stem(word: str) -> str:
    """An English plural without its ending, with a blank before it so that it matches from a word's start."""
    for ending in ("ies", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return " " + word.removesuffix(ending)
    return " " + word


def _cut(run: str) -> Iterable[str]:
    """The longest known word at each place; what is not known stays together as one word."""
    known = _known_words()
    longest = max(map(len, known))
    unknown = ""
    at = 0
    while at < len(run):
        word = next((run[at : at + n] for n in range(longest, 0, -1) if run[at : at + n] in known), None)
        if word is None:
            unknown += run[at]
            at += 1
            continue
        if unknown:
            yield unknown
            unknown = ""
        yield word
        at += len(word)
    if unknown:
        yield unknown


@cache
def _known_words() -> frozenset[str]:
    words: list[Word] = [
        *vocabulary.OPENERS,
        *vocabulary.TAILS,
        *(colour for colour, _ in vocabulary.COLOURS),
    ]
    for department in DEPARTMENTS:
        words += [department.name, *department.styles, *department.materials]
        for aisle in department.aisles:
            words += [aisle.name, *(kind.noun for kind in aisle.kinds)]
    parts = (part for word in words for text in (word.zh, word.ja) for part in _RUN.findall(text.lower()))
    return frozenset(part for part in parts if _IDEOGRAPHIC.match(part))


def _searchable(offer: Offer) -> tuple[str, str]:
    """The title, and all that an offer is found by."""
    colours = (vocabulary.COLOURS[colour][0] for colour in offer.colours)
    title = _joined([offer.title])
    return title, title + _joined([offer.department.name, offer.aisle.name, offer.kind.noun, *colours])


def _joined(names: Iterable[Word]) -> str:
    names = list(names)
    # Each word of a spaced script after exactly one blank: `_stem` relies on it.
    spaced = (
        " " + word for name in names for text in (name.en, name.vi) for word in _RUN.findall(text.lower())
    )
    return "".join(spaced) + " " + " ".join(f"{name.zh} {name.ja.lower()}" for name in names)
