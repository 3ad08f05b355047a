"""Finds offers by keywords in Chinese, English, Japanese or Vietnamese."""

import re
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.categories import TOP_CATEGORIES
from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.offers import Offer

# A run of Chinese or Japanese characters, or a word of any other script.
_RUN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]+"
)
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
MAX_CACHED_SEARCHES = 256
_STOP_WORDS = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"})


def tokenize(text: str) -> tuple[str, ...]:
    """Return the words of a search.

    Chinese and Japanese are split into words of the vocabulary, other scripts at blanks.
    """
    tokens: list[str] = []
    for run in _RUN.findall(text.lower()):
        if _IDEOGRAPH.match(run):
            tokens.extend(_segment(run))
        elif run not in _STOP_WORDS:
            tokens.append(_stem(run))
    return tuple(dict.fromkeys(tokens))


class KeywordIndex:
    """The searchable text of all offers, built on first use."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.find = lru_cache(maxsize=MAX_CACHED_SEARCHES)(self._find)
        """Return the offers that match the highest number of words.

        Offers with more of the words in their title come first; among equals, the one that sells best.
        If the keyword has no words: all offers.
        """

    @cached_property
    def _texts(self) -> list[tuple[Offer, str, str]]:
        """Offer, title, and all searchable text including the title. The best selling offer is the first."""
        best_selling = sorted(self._catalog.offers, key=lambda offer: (-offer.sold_30d, offer.offer_id))
        return [(offer, *_build_searchable_text(offer)) for offer in best_selling]

    def _find(self, keyword: str) -> tuple[Offer, ...]:
        tokens = tokenize(keyword)
        scores = [
            (sum(token in text for token in tokens), sum(token in title for token in tokens), offer)
            for offer, title, text in self._texts
        ]
        best_score = max(score for score, _, _ in scores)
        if tokens and not best_score:
            return ()
        best = [(title_score, offer) for score, title_score, offer in scores if score == best_score]
        return tuple(offer for _, offer in sorted(best, key=lambda scored: -scored[0]))


def _stem(word: str) -> str:
    """Return a blank and the word without its English plural ending.

    With the blank, it is found only at the start of a word of the searchable text.
    """
    for ending in ("ies", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return " " + word.removesuffix(ending)
    return " " + word


def _segment(run: str) -> Iterable[str]:
    """Split a run at the longest known words; unknown characters between them stay together."""
    known = _list_known_words()
    max_length = max(map(len, known))
    unknown = ""
    position = 0
    while position < len(run):
        candidates = (run[position : position + length] for length in range(max_length, 0, -1))
        word = next((candidate for candidate in candidates if candidate in known), None)
        if word is None:
            unknown += run[position]
            position += 1
            continue
        if unknown:
            yield unknown
            unknown = ""
        yield word
        position += len(word)
    if unknown:
        yield unknown


@cache
def _list_known_words() -> frozenset[str]:
    texts: list[LocalizedText] = [
        *vocabulary.TITLE_PREFIXES,
        *vocabulary.TITLE_SUFFIXES,
        *(colour for colour, _ in vocabulary.COLOURS),
    ]
    for top_category in TOP_CATEGORIES:
        texts += [top_category.name, *top_category.styles, *top_category.materials]
        for second_category in top_category.second_categories:
            texts += [second_category.name, *(third.noun for third in second_category.third_categories)]
    runs = (run for text in texts for name in (text.zh, text.ja) for run in _RUN.findall(name.lower()))
    return frozenset(run for run in runs if _IDEOGRAPH.match(run))


def _build_searchable_text(offer: Offer) -> tuple[str, str]:
    """Return the title, and all text by which an offer is found."""
    colours = (vocabulary.COLOURS[colour][0] for colour in offer.colours)
    title = _join([offer.title])
    names = [offer.top_category.name, offer.second_category.name, offer.third_category.noun, *colours]
    return title, title + _join(names)


def _join(texts: Iterable[LocalizedText]) -> str:
    texts = list(texts)
    # Each word of a script with blanks follows exactly one blank: `_stem` relies on it.
    spaced = (
        " " + word for text in texts for name in (text.en, text.vi) for word in _RUN.findall(name.lower())
    )
    return "".join(spaced) + " " + " ".join(f"{text.zh} {text.ja.lower()}" for text in texts)
