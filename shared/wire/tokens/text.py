"""How many tokens a text is, without a tokenizer: by its script, at C speed. Pure.

The rates are those of OpenAI's o200k_base, which stands for all tokenizers: fitted by least squares
to texts in some thirty languages, program code, JSON and logs. tests/recorded/tokens holds
texts and their true counts; the estimate is within 15 % of each.
"""

from __future__ import annotations

_SAMPLED_CHARS = 64 * 1024
"""A longer text is counted by this much of it: to count 25 MB whole would hold the loop."""

_SLICES = 64


def _classes() -> bytes:
    """Bytes of UTF-8 as ASCII letters, one for each kind; a lead byte tells a character's script.

    `a` small and `A` capital letters, `0` digits, `.` other ASCII; white space stands for itself.
    """
    kinds = bytearray(b"." * 128 + b"~" * 128)
    for first, last, kind in (
        ("a", "z", "a"),
        ("A", "Z", "A"),
        ("0", "9", "0"),
        (" ", " ", " "),
        ("\t", "\r", "\n"),
    ):
        kinds[ord(first) : ord(last) + 1] = kind.encode() * (ord(last) - ord(first) + 1)
    for first_byte, last_byte, kind in (
        (0xC2, 0xC3, b"l"),
        (0xC4, 0xCD, b"x"),
        (0xCE, 0xCF, b"g"),
        (0xD0, 0xD3, b"c"),
        (0xD4, 0xD7, b"h"),
        (0xD8, 0xDF, b"r"),
        (0xE0, 0xE0, b"i"),
        (0xE1, 0xE1, b"e"),
        (0xE2, 0xE2, b"p"),
        (0xE3, 0xE3, b"k"),
        (0xE4, 0xE9, b"z"),
        (0xEA, 0xED, b"o"),
        (0xEE, 0xEF, b"f"),
        (0xF0, 0xF4, b"m"),
    ):
        kinds[first_byte : last_byte + 1] = kind * (last_byte - first_byte + 1)
    return bytes(kinds)


_KIND = _classes()
_ASCII = bytes(range(0x80))
_SMALL_LETTERS = bytes(range(ord("a"), ord("z") + 1))
_ASCII_AND_CONTINUATION = bytes(range(0xC2))

_SMALL, _CAPITAL, _DIGIT, _SPACE, _LINE, _SIGN = 115, 453, 721, 432, 632, 915
"""Thousandths of a token for each character of a kind."""

_SPACE_AGAIN, _SIGN_AGAIN, _RULE = -641, -1000, -3000
"""For each two blanks and two signs in a row, and for each eight signs: runs are few tokens."""

_PROSE_FROM = 12
"""In prose capitals, digits, signs and lines are fewer than one in so many characters."""

_MIXED: tuple[tuple[bytes, int], ...] = (
    (b"A", -244),
    (b"0", 390),
    (b"00", -1000),
    (b"000", -809),
    (b"aA", 1382),
    (b"Aa", 225),
    (b"0a", 799),
    (b"0A", 821),
)
"""Besides, where capitals and digits abound: hashes, numbers, names in camel case."""

_MIXED_FROM = 8
_UNBROKEN, _UNBROKEN_FROM, _LEAST_UNBROKEN = 300, 16, 64
_FEW_LETTERS = 8
"""Letters without a break are no words: each costs more, unless a few are repeated."""

_SCRIPTS: tuple[tuple[bytes, int], ...] = (
    (b"l", 1230),
    (b"x", 1509),
    (b"g", 326),
    (b"c", 195),
    (b"h", 292),
    (b"r", 276),
    (b"p", 818),
    (b"o", 590),
    (b"f", 500),
    (b"m", 1550),
)
"""Accented Latin, extended Latin, Greek, Cyrillic, Hebrew and Armenian, Arabic, typographic signs,
Hangul, full width, emoji."""

_INDIC, _THAI, _RARE, _VIETNAMESE = 265, 427, 1996, 257
_KANA, _HAN, _KANJI = 504, 765, 1260
"""Chinese characters cost more in Japanese: the tokenizer knows fewer of its words."""


def count_text(text: str) -> int:
    """The tokens that `text` is expected to be, at least 1 where there is any."""
    return tokens_of(text_weight(text))


def tokens_of(weight: int) -> int:
    """Whole tokens of a weight, or of several that were added up."""
    return -(-weight // 1000)


class Pieces:
    """A text that comes in pieces, as a stream's does. They are joined before they are counted:
    what is prose and what is not shows in more than a word."""

    def __init__(self) -> None:
        self._weight = self._chars = 0
        self._unweighed: list[str] = []

    def add(self, text: str) -> None:
        self._unweighed.append(text)
        self._chars += len(text)
        if self._chars > _SAMPLED_CHARS:
            self._weigh()

    @property
    def tokens(self) -> int:
        """The tokens that all of them are expected to be, at least 1 where there is any text."""
        self._weigh()
        return tokens_of(self._weight)

    def _weigh(self) -> None:
        self._weight += text_weight("".join(self._unweighed))
        self._unweighed.clear()
        self._chars = 0


def text_weight(text: str) -> int:
    """The expected tokens of `text` in thousandths. A long text is sampled."""
    chars = len(text)
    if chars <= _SAMPLED_CHARS:
        return _weight(text.encode("utf-8", "surrogatepass"), is_ascii=text.isascii())
    step, size = chars / _SLICES, _SAMPLED_CHARS // _SLICES
    starts = [int(index * step) for index in range(_SLICES)]
    sample = "".join([text[start : start + size] for start in starts])
    weight = _weight(sample.encode("utf-8", "surrogatepass"), is_ascii=sample.isascii())
    return weight * chars // len(sample)


def _weight(text: bytes, *, is_ascii: bool) -> int:
    # What is not a small letter: in prose little is left to count.
    rest = text.translate(_KIND, _SMALL_LETTERS)
    small, count = len(text) - len(rest), rest.count
    spaces, capitals, digits, lines = count(b" "), count(b"A"), count(b"0"), count(b"\n")
    marks = len(rest) - spaces
    others = 0 if is_ascii else len(text.translate(None, _ASCII))
    signs = marks - capitals - digits - lines - others
    weight = small * _SMALL + capitals * _CAPITAL + digits * _DIGIT + signs * _SIGN
    weight += spaces * _SPACE + lines * _LINE
    if (marks - others) * _PROSE_FROM > len(text) or spaces * 2 > len(text):
        weight += _weight_of_runs(text, capitals + digits)
    if small > _LEAST_UNBROKEN and (len(rest) - others) * _UNBROKEN_FROM < small:
        weight += small * _UNBROKEN if len(set(text[:256])) > _FEW_LETTERS else 0
    return weight + _weight_of_others(text) if others else weight


def _weight_of_runs(text: bytes, capitals_and_digits: int) -> int:
    """What is to be added for characters that stand together; it may be less than nothing."""
    kinds = text.translate(_KIND)
    count = kinds.count
    weight = count(b"  ") * _SPACE_AGAIN + count(b"..") * _SIGN_AGAIN + count(b"........") * _RULE
    if capitals_and_digits * _MIXED_FROM > len(text):
        weight += sum([count(pattern) * rate for pattern, rate in _MIXED])
    return weight


def _weight_of_others(text: bytes) -> int:
    """What is not ASCII, by its script."""
    leads = text.translate(_KIND, _ASCII_AND_CONTINUATION)
    count = leads.count
    weight = sum([count(kind) * rate for kind, rate in _SCRIPTS])
    indic, rare, kana, han = count(b"i"), count(b"e"), count(b"k"), count(b"z")
    if indic:
        thai = text.count(b"\xe0\xb8") + text.count(b"\xe0\xb9")
        weight += (indic - thai) * _INDIC + thai * _THAI
    if rare:
        known = sum([text.count(lead) for lead in (b"\xe1\xba", b"\xe1\xbb", b"\xe1\x83")])
        weight += (rare - known) * _RARE + known * _VIETNAMESE
    is_japanese = kana * 8 > kana + han
    return weight + kana * _KANA + han * (_KANJI if is_japanese else _HAN)
