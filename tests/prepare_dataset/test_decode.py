from __future__ import annotations

import codecs
import re
import time
from pathlib import Path

import pytest

from tests.support.debian_texts import books
from tools.prepare_dataset.charsets import TABLES, decoded
from tools.prepare_dataset.decode import decode
from tools.prepare_dataset.readers.part import Unreadable

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
TEXT = "A avó não quis açúcar no café; «amanhã», disse, “há pão”. Às três, o João pôs-se à janela."
OTHERS = {
    "es": "Más allá del río, ¿qué pasó? «Mañana», dijo el niño, y señaló la montaña: ¡qué alegría!",
    "fr": "Voilà l’été déjà passé : où êtes-vous ? « Là-bas », dit-elle, ça suffit, mon élève préféré.",
    "de": "Für die Übung müssen wir über den Fluß; größer, schöner, natürlich später: „Straße“, sagte er.",
    "en": "The café’s owner — “naïve”, they said — paid £20 for it… and kept the façade at 20 °C.",
}


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_older_encodings_are_told_from_each_other_by_their_letters(encoding: str) -> None:
    for text in (TEXT, *OTHERS.values()):
        if encoding == "cp850":
            text = text.translate(str.maketrans("“”„’—…", '"""\'--'))
        found = decode(text.encode(encoding))
        assert (found.text, found.encoding, found.rival) == (text, encoding, "")


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_nearly_every_sentence_alone_survives_an_older_encoding(encoding: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SAMPLE.glob("livros/*")))
    lines = [line for line in re.split(r"(?<=[.!?…]) |\n", text) if not line.isascii() and encodes(line, encoding)]
    found = [decode(line.encode(encoding)) for line in lines]
    wrong = [one for one, line in zip(found, lines, strict=True) if one.text != line]
    assert len(lines) > 250
    assert len(wrong) <= len(lines) // 50, wrong
    assert all(one.rival for one in wrong)


def encodes(text: str, encoding: str) -> bool:
    try:
        return bool(text.encode(encoding))
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_every_sample_biography_survives_an_older_encoding(encoding: str) -> None:
    for path in sorted(SAMPLE.glob("biografias/*.md")):
        text = path.read_text(encoding="utf-8")
        assert decode(text.encode(encoding)).text == text, path.name


@pytest.mark.parametrize("charset", ["latin_1", "cp1252", "mac_roman", "cp850", "cp437"])
def test_an_older_encoding_has_a_character_of_its_own_for_every_byte(charset: str) -> None:
    text = decoded(bytes(range(256)), charset)  # type: ignore[arg-type]
    assert len(set(text)) == 256
    assert text.translate(str.maketrans(TABLES[charset], TABLES["latin_1"])).encode("latin-1") == bytes(range(256))  # type: ignore[index]


def test_bytes_that_windows_leaves_undefined_are_no_loss() -> None:
    raw = "É assim que a história começa, não é?".encode("cp1252") + b"\x81\x9d"
    found = decode(raw)
    assert (found.encoding, found.text[-2:]) == ("cp1252", "\x81\x9d")


def test_where_two_encodings_are_as_likely_the_other_is_told() -> None:
    found = decode("Fim…".encode("cp850", errors="replace") + b" \xc9 assim")
    assert (found.encoding, found.rival) == ("cp1252", "mac_roman")


@pytest.mark.parametrize(
    ("bom", "codec", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf_8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf_16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf_16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf_32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf_32"),
    ],
)
def test_a_byte_order_mark_decides_and_goes(bom: bytes, codec: str, name: str) -> None:
    found = decode(bom + TEXT.encode(codec))
    assert (found.text, found.encoding, found.had_bom) == (TEXT, name, True)


@pytest.mark.parametrize("codec", ["utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be"])
def test_wide_letters_are_read_without_a_mark_too(codec: str) -> None:
    found = decode(TEXT.encode(codec))
    assert (found.text, found.encoding, found.had_bom) == (TEXT, codec, False)


@pytest.mark.parametrize("raw", [b"%PDF-1.7\x00\x01\x02" + bytes(range(256)) * 4, b"\x00\x01" * 400, b"texto\x00" * 90])
def test_a_binary_file_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="binary"):
        decode(raw)


def test_utf8_with_a_damaged_byte_tells_its_line_instead_of_becoming_another_encoding() -> None:
    raw = f"{TEXT}\n{TEXT}\n".encode() + "não".encode()[:-2] + b"\n" + TEXT.encode()
    with pytest.raises(Unreadable, match="UTF-8 with damaged bytes") as caught:
        decode(raw)
    assert caught.value.line == 3


def test_wide_letters_cut_in_the_middle_tell_their_line() -> None:
    with pytest.raises(Unreadable, match="UTF-16 with damaged bytes") as caught:
        decode(codecs.BOM_UTF16_LE + f"{TEXT}\n{TEXT}".encode("utf-16-le")[:-1])
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Жили-были старик со старухой у самого синего моря"),
        ("cp1251", "Жили-были старик со старухой, in a house by the sea, as every child of the village knows"),
        ("iso8859-7", "Μια φορά κι έναν καιρό ήταν ένας γέρος και μια γριά"),
        ("shift_jis", "昔々、あるところにおじいさんとおばあさんがいました。"),
        ("gbk", "从前有一个老人和一个老太婆住在海边"),
    ],
)
def test_what_is_no_western_text_is_refused(encoding: str, text: str) -> None:
    with pytest.raises(Unreadable, match="encoding could not be told"):
        decode(text.encode(encoding))


def test_a_megabyte_is_decided_at_once() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SAMPLE.rglob("*.*")))
    raw = (text * (1_000_000 // len(text) + 1)).encode("cp1252", errors="replace")
    began = time.process_time()
    found = decode(raw)
    assert time.process_time() - began < 2
    assert found.encoding == "cp1252"


@pytest.mark.verify
def test_whole_books_survive_every_older_encoding() -> None:
    for name, text in books().items():
        for encoding in ("cp1252", "mac_roman", "cp850"):
            if encodes(text, encoding):
                found = decode(text.encode(encoding))
                assert (found.text, found.rival) == (text, ""), (name, encoding)
