"""Matching parties against lists of names: exact by identifier, or a candidate for a person by name.

A name is cut into normalised words (`spelling.py`); words are compared by Jaro-Winkler, and a name's
score is the share of its letters, on both sides, that stand in words which match:

    score = sum over matched words (similarity x letters of both) / letters of both names

in per mille, in integers, so that every verifier gets the same. Two names that share two long words
and differ by one further word are a candidate too (a middle name, a country); names that are equal
but for spaces score 990; a weak alias loses 5 %. Words are found through their first three letters,
their last three and their consonants, so that one party against 20,000 entries costs about a millisecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.reference.spelling import plain_number, tokens_of

THRESHOLD: Final = 920
"""Per mille from which a person looks at it; a parameter of the rule (catalogue: fuzzy >= 0.92)."""

_SIMILAR: Final = 850
"""Per mille from which two words may be the same word."""
_SAME_BUT_SPACES: Final = 990
_ONE_WORD_MORE: Final = 930
_LETTERS_SHARED: Final = 10
_WEAK_PER_CENT: Final = 95
_SHORTEST_NUMBER: Final = 5
_SHORT_WORD: Final = 3
"""Letters of a word that must be the same word, not a similar one."""
_REMEMBERED: Final = 8192
_MOST_WORDS: Final = 500
"""Of a list that may be one word, the most similar ones."""
_MOST_ENTRIES: Final = 1000
"""Of a list that are compared with a name, those first that share most letters with it."""
MAX_CANDIDATES: Final = 100
"""Of one party. A name that is like more entries than that identifies nobody."""
_LONGER: Final = 2
"""A similar word is at most so many times as long."""
LOWEST: Final = 750
"""Lower thresholds are taken as this one: less than half of a name would have to match."""

_FAMILIES: Final = (
    ("lei", ("lei", "legal entity identifier")),
    ("imo", ("imo", "vessel registration", "mmsi")),
    ("cid", ("cid", "rmi", "smelter")),
    ("swift", ("swift", "bic")),
    ("passport", ("passport",)),
    ("tax", ("tax", "vat", "tin", "nif", "nit", "fiscal")),
    ("person", ("national id", "identity", "identification card", "ssn", "personal", "birth")),
    ("company", ("registr", "company", "business", "commercial", "trade", "enterprise", "license", "licence", "rccm")),
)


class Candidate(NamedTuple):
    """A list entry that a party may be. exact: by identifier; name: the alias that scored; score: per mille.

    number: the identifier that was equal, "" for a match by name.
    """

    party: ListedParty
    exact: bool
    score: int
    name: str
    number: str = ""


class _Entry(NamedTuple):
    """One alias of one party, ready to be compared."""

    party: int
    alias: Alias
    tokens: tuple[str, ...]
    letters: int


class NameIndex:
    """A list of parties, prepared once. Immutable after that."""

    def __init__(self, parties: Sequence[ListedParty]) -> None:
        # Imported here: only who compares names needs it.
        import numpy as np

        self._parties = tuple(parties)
        self._entries: list[_Entry] = []
        postings: dict[str, list[int]] = defaultdict(list)
        self._joined: dict[str, list[int]] = defaultdict(list)
        self._numbers: dict[str, list[tuple[int, Identifier]]] = defaultdict(list)
        for place, party in enumerate(self._parties):
            for alias in party.names:
                tokens = tokens_of(alias.text)
                self._joined["".join(tokens)].append(len(self._entries))
                for token in dict.fromkeys(tokens):
                    postings[token].append(len(self._entries))
                self._entries.append(_Entry(place, alias, tokens, sum(map(len, tokens))))
            for number in party.identifiers:
                self._numbers[plain_number(number.value)].append((place, number))
        self._vocabulary = np.array(sorted(postings), np.object_)
        words: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(self._vocabulary):
            for key in _keys(word) if len(word) > _SHORT_WORD else ():
                words[key].append(place)
        self._words = {key: np.array(places, np.int64) for key, places in words.items()}
        self._places = {word: np.array(places, np.int64) for word, places in postings.items()}
        self._letters = np.array([entry.letters for entry in self._entries], np.int64)
        self._counts = np.array([len(entry.tokens) for entry in self._entries], np.int64)
        self._similar: dict[str, Mapping[str, int]] = {}

    def match(
        self, names: Iterable[str], identifiers: Iterable[Identifier] = (), *, threshold: int = THRESHOLD
    ) -> tuple[Candidate, ...]:
        """What a party with these names and identifiers may be: exact ones first, then by score.

        One candidate per entry of the list, at most `MAX_CANDIDATES`. Raises TooLarge for a name of more
        than 1,000 characters.
        """
        best: dict[int, Candidate] = {}
        for name in names:
            for place, candidate in self._by_name(name, max(threshold, LOWEST)):
                if place not in best or best[place].score < candidate.score:
                    best[place] = candidate
        best |= dict(self._by_number(identifiers))
        order = sorted(best.values(), key=lambda one: (not one.exact, -one.score, one.party.id, one.name))
        return tuple(order[:MAX_CANDIDATES])

    def _by_number(self, identifiers: Iterable[Identifier]) -> Iterator[tuple[int, Candidate]]:
        for given in identifiers:
            plain = plain_number(given.value)
            if len(plain) < _SHORTEST_NUMBER:
                continue
            for place, listed in self._numbers.get(plain, ()):
                if _may_be_equal(given, listed):
                    party = self._parties[place]
                    yield place, Candidate(party, True, 1000, party.names[0].text, listed.value)

    def _by_name(self, name: str, threshold: int) -> Iterator[tuple[int, Candidate]]:
        tokens = tokens_of(name)
        if not tokens:
            return
        scores = dict.fromkeys(self._joined.get("".join(tokens), ()), _SAME_BUT_SPACES)
        similar = {token: self._find_similar(token) for token in dict.fromkeys(tokens)}
        for entry in self._plausible(tokens, similar, threshold):
            score = _score(tokens, self._entries[entry], similar)
            scores[entry] = max(score, scores.get(entry, 0))
        for entry, score in scores.items():
            place, alias, _, _ = self._entries[entry]
            weighed = score if alias.strong else score * _WEAK_PER_CENT // 100
            if weighed >= threshold:
                yield place, Candidate(self._parties[place], False, weighed, alias.text)

    def _find_similar(self, token: str) -> Mapping[str, int]:
        """Words of the list that may be this word, with their similarity in per mille; remembered."""
        known = self._similar.get(token)
        if known is None:
            known = self._similar_words(token)
            if len(self._similar) >= _REMEMBERED:
                self._similar.clear()
            self._similar[token] = known
        return known

    def _similar_words(self, token: str) -> Mapping[str, int]:
        # Imported here: only who compares names needs the compiled modules.
        import numpy as np
        from rapidfuzz import process
        from rapidfuzz.distance import JaroWinkler

        found = {token: 1000} if token in self._places else {}
        if len(token) > _SHORT_WORD:
            keyed = [self._words[key] for key in _keys(token) if key in self._words]
            words = self._vocabulary[np.unique(np.concatenate(keyed))].tolist() if keyed else []
            scorer = JaroWinkler.normalized_similarity  # equal scores come in the order of the words, by their letters
            similar = process.extract(token, words, scorer=scorer, score_cutoff=_SIMILAR / 1000, limit=_MOST_WORDS)
            found.update((word, round(share * 1000)) for word, share, _ in similar)
        return found

    def _plausible(
        self, tokens: tuple[str, ...], similar: Mapping[str, Mapping[str, int]], threshold: int
    ) -> Iterable[int]:
        """Entries that can reach the threshold, given which words of the name they hold in some form."""
        import numpy as np

        letters, words = np.zeros(len(self._entries), np.int64), np.zeros(len(self._entries), np.int64)
        for token in tokens:
            there = np.zeros(len(self._entries), np.bool_)
            for word in similar[token]:
                there[self._places[word]] = True
            letters += there * len(token)
            words += there
        whole = sum(map(len, tokens))
        reach = 1000 * (letters + np.minimum(self._letters, _LONGER * letters))
        one_word_more = len(tokens) + self._counts <= 2 * words + 1
        found = np.flatnonzero((reach >= threshold * (whole + self._letters)) | one_word_more)
        closest_first = np.lexsort((found, np.abs(self._letters[found] - whole), -letters[found]))
        places: list[int] = found[closest_first[:_MOST_ENTRIES]].tolist()
        return places


@lru_cache(maxsize=32)
def index_of(snapshot: Snapshot) -> NameIndex:
    """The index of a snapshot of listed parties, prepared once per process."""
    return NameIndex(snapshot.rows)


def _score(tokens: tuple[str, ...], entry: _Entry, similar: Mapping[str, Mapping[str, int]]) -> int:
    """Similarity of two names in per mille; each word is matched once, the most similar pairs first."""
    pairs = sorted(
        (-similar[token][word], left, right)
        for left, token in enumerate(tokens)
        for right, word in enumerate(entry.tokens)
        if word in similar[token]
    )
    lefts, rights = set(range(len(tokens))), set(range(len(entry.tokens)))
    weight = shared = 0
    for negative, left, right in pairs:
        if left in lefts and right in rights:
            lefts.remove(left)
            rights.remove(right)
            weight -= negative * (len(tokens[left]) + len(entry.tokens[right]))
            shared += len(entry.tokens[right])
    score = weight // (sum(map(len, tokens)) + entry.letters)
    matched = len(tokens) - len(lefts)
    if len(lefts) + len(rights) == 1 and matched > 1 and shared >= _LETTERS_SHARED:
        rest = sum(len(tokens[left]) for left in lefts) + sum(len(entry.tokens[right]) for right in rights)
        likeness = weight // (sum(map(len, tokens)) + entry.letters - rest)
        score = max(score, _ONE_WORD_MORE * likeness // 1000)
    return score


def _keys(word: str) -> tuple[str, ...]:
    """Under which a word is found: words with a slip of the pen share at least one of these."""
    return f"<{word[:3]}", f"{word[-3:]}>", f"~{''.join(c for c in word if c not in 'aeiouyhw')}"


def _family(kind: str) -> str:
    plain = kind.lower()
    return next((name for name, words in _FAMILIES if any(word in plain for word in words)), "")


def _may_be_equal(given: Identifier, listed: Identifier) -> bool:
    """Equal numbers mean the same only if kind and country do not contradict: a passport is no tax number."""
    kinds, countries = {_family(given.kind), _family(listed.kind)} - {""}, {given.country, listed.country} - {""}
    return len(kinds) <= 1 and len(countries) <= 1
