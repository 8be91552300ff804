"""Planted secrets are found where they stand; clean prose, tables, dates and ISBNs raise nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.prose import paragraph
from tools.prepare_dataset.checks.check_digits import is_card, is_cpf, is_iban, is_nif
from tools.prepare_dataset.checks.secrets import find_secrets

SAMPLE = Path(__file__).parents[3] / "clients" / "sample"
# Put together here, so that scanners of this code find none.
PLANTED = [
    ("key", "A chave é " + "AKIA" + "IOSFODNN7EXAMPLE" + "."),
    ("key", "token " + "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"),
    ("key", "OPENAI=" + "sk-" + "proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4"),
    ("key", "hf_" + "abcdefghijABCDEFGHIJabcdefghijABCD"),
    ("key", "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"),
    ("key", "xox" + "b-123456789012-abcdefABCDEF"),
    ("key", "glpat-" + "abcDEF123456ghiJKL78"),
    ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"),
    ("private key", "-----BEGIN " + "PRIVATE KEY-----"),
    ("password", "postgres://ana:girassol9@servidor.exemplo.pt/base"),
    ("password", 'senha: "girassol1974"'),
    ("password", "PASSWORD=Tr0vador-Azul"),
    ("card number", "O cartão 4111 1111 1111 1111 expirou."),
    ("card number", "5500005555555559"),
    ("card number", "3782-822463-10005"),
    ("IBAN", "IBAN PT50 0002 0123 1234 5678 9015 4"),
    ("IBAN", "transferir para DE89370400440532013000 hoje"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32"),
    ("CPF", "o CPF 529.982.247-25 da Maria"),
    ("CPF", "CPF: 52998224725"),
    ("NIF", "Contribuinte n.º 501 964 843"),
    ("NIF", "NIF 123456789"),
    ("e-mail address", "escreve a ana.silva+casa@correio.exemplo.pt, por favor"),
    ("phone number", "telemóvel 912 345 678"),
    ("phone number", "o telemóvel do avô era o 912 345 678"),
    ("phone number", "Tel.: 21 345 67 89"),
    ("phone number", "+351 912 345 678"),
    ("phone number", "+55 (11) 91234-5678"),
    ("phone number", "liga para o (11) 91234-5678"),
]
CLEAN = """O comboio das 21:45 chegou a 12/03/1974, depois de 1 234 567 passageiros e 912 345 678 escudos de receita.
ISBN 978-972-0-04581-5; ISBN 9789720045815; depósito legal 123456/97; DOI 10.1000/182; ISSN 0870-1234.
Em 2003-2004 o União fez 34 jogos, 85 golos, 3-2, 4-0 e 1998-2004 foi o melhor tempo (vol. (12) 1998-2004).
A senha era girassol. — Qual é a senha? — perguntou o guarda. A palavra-passe: ninguém a soube.
1,Faroleiros do Areal,34,27,5,2,85,31,86,1978,2023,4111111111111112
Coordenadas 41.1579438, -8.6291053; população 1.234.567.890; processo 123.456.789-00; cota 4000 1234 5678 9010.
O preço, 1234567890123456 réis, era fantasia; o telefone tocou 3 vezes em 1958 e 1960.
O telefone (1912-1915) ficava na Rua de S. João, 4000-123 Porto, e a fone não.
O código 000.000.000-00 e o número 111.111.111-11 não são de ninguém. O contribuinte pagou 123 456 788 euros.
Versão 10.20.30.40, MAC 00:1B:44:11:3A:B7, hash 9e107d9d372bb6826bd81d3542a419d6, placa-de-som, skate, risk-averso.
"""


@pytest.mark.parametrize(("kind", "text"), PLANTED)
def test_a_planted_secret_is_found_once_where_it_stands(kind: str, text: str) -> None:
    before = paragraph(1) + "\n"
    found = find_secrets(before + text + "\n" + paragraph(2))
    assert [one.kind for one in found] == [kind]
    assert len(before) <= found[0].position < len(before) + len(text)


@pytest.mark.parametrize("line", CLEAN.strip().split("\n"))
def test_numbers_dates_and_words_of_every_day_are_none(line: str) -> None:
    assert find_secrets(line) == []


def test_the_sample_material_has_none() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SAMPLE.rglob("*") if path.is_file()]
    assert len(texts) > 10
    assert [find_secrets(text) for text in texts] == [[]] * len(texts)


def test_everything_is_told_in_the_order_of_the_text() -> None:
    text = "\n".join(text for _, text in PLANTED)
    found = find_secrets(text)
    assert [one.kind for one in found] == [kind for kind, _ in PLANTED]
    assert [one.position for one in found] == sorted(one.position for one in found)


def test_check_digits_are_checked() -> None:
    assert is_card("4111111111111111")
    assert not is_card("4111111111111112")
    assert not is_card("9111111111111111")
    assert is_iban("PT50000201231234567890154")
    assert not is_iban("PT51000201231234567890154")
    assert not is_iban("PT5000020123123456789015")
    assert is_cpf("52998224725")
    assert not is_cpf("52998224726")
    assert not is_cpf("11111111111")
    assert is_nif("501964843")
    assert not is_nif("501964844")
