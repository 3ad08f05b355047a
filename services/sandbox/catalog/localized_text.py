"""Words in the four languages of the market."""

from typing import NamedTuple


class Word(NamedTuple):
    """One meaning, written in each language."""

    zh: str
    en: str
    ja: str
    vi: str

    def into(self, language: str) -> str | None:
        """The word in the language of this code; None if the market does not speak it."""
        return {"en": self.en, "ja": self.ja, "vi": self.vi}.get(language)
