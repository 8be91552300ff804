"""The commonest words beyond ASCII of Portuguese, Spanish, French and German, in small letters."""

from __future__ import annotations

KNOWN_WORDS = frozenset(
    """
    não é à são já há só lá cá aí às até tão mãe mão pão vão pôr têm vêm dá dê vê lê três mês fé pé pés nó nós vós pó
    dó chá avó avô avós irmã manhã amanhã maçã então também você vocês através após será serão está estão estás estará
    poderá alguém ninguém porém além contém mantém português portuguesa língua história memória família própria próprio
    próprios próprias última último única único série página páginas número números capítulo água cabeça força coração
    razão questão atenção ação nação situação relação informação solução condição posição função opção direção difícil
    fácil possível impossível útil nível país países saída dúvida música público pública política século médico época
    título período princípio início necessário vários várias mínimo máximo próximo próxima rápido céu chapéu herói pôde
    sábado árvore café olá quê porquê joão josé antónio antônio irmão irmãos mãos pães serviço preço começou
    más sí él qué así después están aquí día días había sólo todavía españa español años año niño niña señor señora
    mañana según corazón razón allí quién cómo dónde cuándo detrás jamás
    été être où déjà là très après même père mère frère était étaient français première ça tête voilà état près élève
    für über wäre würde können könnte hätte größe schön müssen früh mädchen tür natürlich zurück während später straße
    weiß groß außer grün fünf zwölf dafür
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
