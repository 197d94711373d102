"""Texts as numbers of tokens: a vocabulary of the training split's most frequent words, and rows of one length."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

PADDING, UNKNOWN = 0, 1  # the numbers before those of the vocabulary's tokens
MARKUP = re.compile(r"<[^<>]*>")  # reviews of IMDB hold line breaks of HTML
WORD = re.compile(r"\w+(?:['’]\w+)*")


def tokens_of(text: str) -> list[str]:
    """The words of `text` in lower case, without markup and punctuation; an apostrophe within a word stays.

    >>> tokens_of("It isn't<br />BAD!")
    ['it', "isn't", 'bad']
    """
    return WORD.findall(MARKUP.sub(" ", text).lower())


def most_frequent(texts: Iterable[Sequence[str]], size: int) -> list[str]:
    """The tokens of a vocabulary of `size` numbers, PADDING and UNKNOWN among them: the most frequent in `texts`.

    Equally frequent ones are taken in the order of the alphabet.
    """
    counts = Counter(token for tokens in texts for token in tokens)
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    return ordered[: size - UNKNOWN - 1]


def encode(texts: Sequence[Sequence[str]], vocabulary: Sequence[str], length: int) -> np.ndarray:
    """The numbers of tokens, int32 (n, length): of each text the last `length`, PADDING before those of a shorter one.

    The end of a text then stands at the end of its row, where a recurrent network reads last.
    """
    numbers = {token: number for number, token in enumerate(vocabulary, start=UNKNOWN + 1)}
    rows = np.full((len(texts), length), PADDING, np.int32)
    for row, tokens in zip(rows, texts, strict=True):
        last = [numbers.get(token, UNKNOWN) for token in tokens[-length:]]
        row[length - len(last) :] = last
    return rows
