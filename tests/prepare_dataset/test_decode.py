from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tools.prepare_dataset.decode import decode
from tools.prepare_dataset.readers.part import Unreadable

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
TEXT = "A avó não quis açúcar no café; «amanhã», disse, “há pão”. Às três, o João pôs-se à janela."


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_older_encodings_are_told_from_each_other_by_their_letters(encoding: str) -> None:
    text = TEXT if encoding != "cp850" else TEXT.replace("“", '"').replace("”", '"')
    found = decode(text.encode(encoding))
    assert (found.text, found.encoding) == (text, encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_every_sample_biography_survives_an_older_encoding(encoding: str) -> None:
    for path in sorted(SAMPLE.glob("biografias/*.md")):
        text = path.read_text(encoding="utf-8")
        assert decode(text.encode(encoding)).text == text, path.name


@pytest.mark.parametrize(
    ("bom", "codec", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf_8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf_16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf_16"),
    ],
)
def test_a_byte_order_mark_decides_and_goes(bom: bytes, codec: str, name: str) -> None:
    found = decode(bom + TEXT.encode(codec))
    assert (found.text, found.encoding, found.had_bom) == (TEXT, name, True)


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(Unreadable, match="binary"):
        decode(b"%PDF-1.7\x00\x01\x02" + bytes(range(256)) * 4)


def test_utf8_with_a_damaged_byte_tells_its_line_instead_of_becoming_another_encoding() -> None:
    raw = f"{TEXT}\n{TEXT}\n".encode() + "não".encode()[:-2] + b"\n" + TEXT.encode()
    with pytest.raises(Unreadable, match="UTF-8 with damaged bytes") as caught:
        decode(raw)
    assert caught.value.line == 3


def test_what_is_no_western_text_is_refused() -> None:
    with pytest.raises(Unreadable, match="encoding could not be told"):
        decode("Жили-были старик со старухой у самого синего моря".encode("koi8-r"))
