"""NOTICE names every Python package in the images, with the licence that its metadata states."""

import re

from tools.notice import NOTICE, build_notice, shipped_licences

EXPLAINED = {"LGPL-3.0-only", "MPL-2.0"}
PERMISSIVE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"}


def test_the_notice_is_up_to_date() -> None:
    assert NOTICE.read_text(encoding="utf-8") == build_notice(), "run make notice"


def test_every_licence_is_permissive_or_explained() -> None:
    licences = {name: set(re.split(r" (?:AND|OR) ", licence)) for name, licence in shipped_licences()}
    assert licences["psycopg"] == {"LGPL-3.0-only"}
    unknown = {name: each - PERMISSIVE - EXPLAINED for name, each in licences.items()}
    assert {name: each for name, each in unknown.items() if each} == {}
    text = NOTICE.read_text(encoding="utf-8")
    for name, each in licences.items():
        for licence in each & EXPLAINED:
            assert re.search(rf"{licence} \([\w, -]*\b{name}\b", text), f"explain {licence} of {name}"
