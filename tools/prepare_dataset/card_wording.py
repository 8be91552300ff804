"""The sentences of the dataset card, in the languages of its readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.prepare_dataset.language import Language


@dataclass(frozen=True)
class CardWording:
    """Templates for `str.format`. names: what the code calls things, and how people do; others stay as they are."""

    about: str
    splits: str
    split_head: tuple[str, ...]
    by_document: str
    by_row: str
    chosen: str
    guard: str
    no_overlap: str
    overlap: str
    counted: str
    questions: str
    question_head: tuple[str, ...]
    seen: str
    unseen: str
    anywhere: str
    sources: str
    source_head: tuple[str, ...]
    folders: str
    dropped: str
    dropped_told: str
    flags: str
    flags_told: str
    choices: str
    findings: str
    made_with: str
    model: str
    tokenizer: str
    rebuild: str
    nothing: str
    names: Mapping[str, str]


_CHARSETS = {
    "latin_1": "Latin-1",
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850",
    "cp437": "DOS 437",
}


def _misread(told: str, line: str, escapes: str) -> dict[str, str]:
    """Names of the mends of what a wrong encoding did. told: takes what the bytes were and what they were read as."""
    names = {f"mojibake_{code}": told.format(f"UTF-8 → {name}") for code, name in _CHARSETS.items()}
    names |= {
        f"mojibake_{was}_as_{read_as}": told.format(f"{_CHARSETS[was]} → {_CHARSETS[read_as]}")
        for was in _CHARSETS
        for read_as in _CHARSETS
        if was != read_as
    }
    return {**names, "mojibake_lost_characters": line, "mojibake_lines": line, "unicode_escapes": escapes}


_EN = CardWording(
    about="Rows of format `{format}`, at most {longest} tokens (limit {limit}), counted by the tokenizer of `{model}`. "
    "Headings, requests and questions of ours are in English.",
    splits="Splits",
    split_head=(
        "split",
        "rows",
        "documents",
        "tokens",
        "share",
        "tokens a row: least, half at most, 90% at most, most",
    ),
    by_document="Whole chapters, seasons, persons and examples are in one split. Each is placed by the seed ({seed}), "
    "its file's name and its own title: adding material moves no other.",
    by_row="There are too few chapters, seasons or persons: rows are split one by one, so the test says little.",
    chosen="Placed by choice, since {split} would have had none: `{document}`.",
    guard="Where train borders on held-out text of the same book, up to {characters} characters of train next to the "
    "border are left out: {gaps} times.",
    no_overlap="No {n} words in a row of valid or test stand in train. This was measured twice, in two ways, the "
    "second time on the files as written.",
    overlap="{rows} rows of valid and test share {n} words in a row with train ({valid} of valid's, {test} of test's "
    "runs).",
    counted="What counts is what is learned: passages, and the answers of conversations. Prompts, our wording, and "
    "formulas that many answers have do not.",
    questions="Questions",
    question_head=("answered by", "kind", "questions"),
    seen="train (seen facts in new words)",
    unseen="{split} (held-out text)",
    anywhere="no one split",
    sources="Sources",
    source_head=("file", "kind", "title", "pages", "encoding", "rows", "repairs", "passed over", "SHA-256"),
    folders="`sources/original/` holds the files as they came, `sources/text/` the text as repaired, "
    "`sources/repairs/` each repair, so that it can be undone. `provenance.jsonl` tells the file, line or page, "
    "chapter or season, and the characters of the text that each row comes from.",
    dropped="Left out",
    dropped_told="`dropped.jsonl` tells each with its place.",
    flags="To look at",
    flags_told="Nothing was left out for these; their places are among the findings.",
    choices="Choices",
    findings="Findings",
    made_with="Made with",
    model="model `{name}`, fingerprint `{fingerprint}`",
    tokenizer="tokenizer `{tokenizer}`, chat template `{template}`, code format {code}",
    rebuild="In this folder, this makes the same bytes again:",
    nothing="Nothing.",
    names={
        "line_ends": "line ends",
        "invisible_characters": "invisible characters removed",
        "soft_hyphens": "soft hyphens removed",
        "decomposed_letters": "accents joined to their letters",
        "trailing_blanks": "blanks at line ends removed",
        "line_end_hyphens": "words joined at line ends",
        "wrapped_lines": "wrapped lines joined",
        "left_margin": "left margins taken away",
        "page_breaks": "page breaks",
        "control_characters": "control characters removed",
        "ligatures": "ligatures parted into letters",
        "special_blanks": "special blanks made plain",
        **_misread("misread letters mended ({})", "misread letters mended", "escaped letters written out"),
        "byte_order_mark": "byte order mark removed",
        "broken_markup": "pages of broken markup mended",
        "encoding": "converted to UTF-8",
        "": "none",
    },
)
_PT = CardWording(
    about="Linhas no formato `{format}`, de {longest} tokens no máximo (limite: {limit}), contados pelo tokenizador de "
    "`{model}`. Os títulos, pedidos e perguntas nossos estão em português.",
    splits="Divisão",
    split_head=(
        "parte",
        "linhas",
        "documentos",
        "tokens",
        "proporção",
        "tokens por linha: mínimo, metade até, 90% até, máximo",
    ),
    by_document="Cada capítulo, época, pessoa ou exemplo está inteiro numa só parte. O lugar vem da semente ({seed}), "
    "do nome do ficheiro e do seu próprio título: juntar material não move nenhum outro.",
    by_row="Há capítulos, épocas ou pessoas a menos: as linhas foram divididas uma a uma, e o teste diz pouco.",
    chosen="Posto por escolha, porque {split} ficaria sem nenhum: `{document}`.",
    guard="Onde o treino confina com texto reservado do mesmo livro, ficam de fora até {characters} caracteres do "
    "treino junto à fronteira: {gaps} vezes.",
    no_overlap="Não há {n} palavras seguidas de valid ou test que estejam em train. Mediu-se duas vezes, de duas "
    "maneiras, a segunda nos ficheiros tal como foram escritos.",
    overlap="{rows} linhas de valid e test têm {n} palavras seguidas em comum com train ({valid} das de valid, {test} "
    "das de test).",
    counted="Conta o que se aprende: os textos, e as respostas das conversas. Os pedidos, as palavras nossas e as "
    "fórmulas que muitas respostas têm não contam.",
    questions="Perguntas",
    question_head=("respondidas por", "tipo", "perguntas"),
    seen="train (factos vistos, por outras palavras)",
    unseen="{split} (texto reservado)",
    anywhere="nenhuma parte em particular",
    sources="Fontes",
    source_head=(
        "ficheiro",
        "tipo",
        "título",
        "páginas",
        "codificação",
        "linhas",
        "emendas",
        "passado à frente",
        "SHA-256",
    ),
    folders="`sources/original/` guarda os ficheiros como vieram, `sources/text/` o texto emendado, "
    "`sources/repairs/` cada emenda, para se poder desfazer. `provenance.jsonl` diz de que ficheiro, linha ou página, "
    "capítulo ou época, e de que caracteres do texto vem cada linha.",
    dropped="O que ficou de fora",
    dropped_told="`dropped.jsonl` diz cada caso e o seu lugar.",
    flags="Para ver",
    flags_told="Nada ficou de fora por isto; os lugares estão entre os achados.",
    choices="Escolhas (em inglês, como na resposta)",
    findings="Achados (em inglês, como na resposta)",
    made_with="Feito com",
    model="modelo `{name}`, impressão digital `{fingerprint}`",
    tokenizer="tokenizador `{tokenizer}`, modelo de conversa `{template}`, formato do código {code}",
    rebuild="Nesta pasta, isto faz de novo os mesmos bytes:",
    nothing="Nada.",
    names={
        "book": "livro",
        "table": "tabela",
        "biography": "biografia",
        "examples": "exemplos",
        "questions": "perguntas",
        "unanswerable": "sem resposta",
        "line_ends": "fins de linha",
        "invisible_characters": "caracteres invisíveis retirados",
        "soft_hyphens": "hífenes suaves retirados",
        "decomposed_letters": "acentos juntos às suas letras",
        "trailing_blanks": "espaços retirados do fim das linhas",
        "line_end_hyphens": "palavras unidas no fim das linhas",
        "wrapped_lines": "linhas partidas unidas",
        "left_margin": "margens esquerdas retiradas",
        "page_breaks": "quebras de página",
        "control_characters": "caracteres de controlo retirados",
        "ligatures": "ligaduras separadas em letras",
        "special_blanks": "espaços especiais tornados simples",
        **_misread("letras mal lidas, emendadas ({})", "letras mal lidas, emendadas", "letras escritas por extenso"),
        "byte_order_mark": "marca de ordem dos bytes retirada",
        "broken_markup": "páginas de marcação estragada emendadas",
        "cover": "capa",
        "title page": "folha de rosto",
        "front matter": "páginas de abertura",
        "pages without text": "páginas sem texto",
        "pages outside of the reading order": "páginas fora da ordem de leitura",
        "notes": "notas",
        "asides": "textos à margem",
        "boilerplate": "partes da página à volta do texto",
        "formulas": "fórmulas",
        "readings beside characters": "leituras ao lado dos caracteres",
        "tracked deletions": "textos apagados com registo de alterações",
        "comments": "comentários",
        "headers and footers": "cabeçalhos e rodapés",
        "hidden text": "textos ocultos",
        "embedded documents": "documentos incorporados",
        "encoding": "convertido para UTF-8",
        "empty": "vazias",
        "duplicate": "repetidas",
        "near duplicate": "quase repetidas",
        "repeats held-out text": "linhas de train que repetem texto reservado",
        "stands in train": "de valid e test, por estarem também em train",
        "guard gap": "intervalo junto a texto reservado",
        "does not fit max_tokens": "não cabem em max_tokens",
        "heading without text": "títulos sem texto",
        "rests on held-out documents": "assentam em documentos reservados",
        "asked with two answers": "perguntas com duas respostas",
        "licence text": "texto de licença",
        "copyright page": "página de direitos",
        "table of contents": "índice",
        "repeated page head": "cabeçalhos de página repetidos",
        "navigation line": "linhas de navegação",
        "key": "chaves de serviços",
        "private key": "chaves privadas",
        "password": "palavras-passe",
        "card number": "números de cartões",
        "e-mail address": "endereços de e-mail",
        "phone number": "números de telefone",
        "rows in English": "linhas em inglês",
        "rows in Portuguese": "linhas em português",
        "rows in Spanish": "linhas em espanhol",
        "very short rows": "linhas muito curtas",
        "very long rows": "linhas muito longas",
        "": "nenhum",
    },
)


def card_wording(language: Language) -> CardWording:
    return _EN if language == "en" else _PT
