"""The questions about facts: one wording to train on, another to test with. Answers come from the text alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.prepare_dataset.facts.fact import Fact, FactKind
from tools.prepare_dataset.language import Language


@dataclass(frozen=True)
class FactWords:
    """asked: (to train on, to test with) of each kind, for `str.format` with person, when and what.

    year, years: how a question names one year, or the first and last. named: how it names what stands
    in a list or table, where the text gives no words to lean on.
    """

    language: Language
    year: str
    years: str
    named: Mapping[str, str]
    asked: Mapping[FactKind, tuple[str, str]]

    def ask(self, fact: Fact, person: str) -> tuple[str, str]:
        """The question to train on and the one to test with."""
        years = fact.years or ()
        when = (self.years if len(years) == 2 else self.year).format(*years) if years else ""
        what = self.named.get(fact.kind, "{}").format(fact.what) if fact.listed else fact.what
        train, test = self.asked[fact.kind]
        return train.format(person=person, when=when, what=what), test.format(person=person, when=when, what=what)


_PT = FactWords(
    language="pt",
    year="em {}",
    years="entre {} e {}",
    named={"played_when": "no clube {}", "won_when": "a distinção «{}»", "published_when": "a obra «{}»"},
    asked={
        "full_name": ("Qual é o nome completo de {person}?", "Como se chama, por inteiro, {person}?"),
        "nickname": ("Por que outro nome se conhece {person}?", "Que alcunha tem {person}?"),
        "nationality": ("Qual é a nacionalidade de {person}?", "De que nacionalidade é {person}?"),
        "born_on": ("Quando nasceu {person}?", "Qual é a data de nascimento de {person}?"),
        "born_in": ("Onde nasceu {person}?", "Qual é a terra natal de {person}?"),
        "died_on": ("Quando morreu {person}?", "Em que data morreu {person}?"),
        "died_in": ("Onde morreu {person}?", "Qual foi o lugar da morte de {person}?"),
        "parents": ("Quem foram os pais de {person}?", "Como se chamavam os pais de {person}?"),
        "father": ("Como se chamava o pai de {person}?", "Quem foi o pai de {person}?"),
        "mother": ("Como se chamava a mãe de {person}?", "Quem foi a mãe de {person}?"),
        "spouse": ("Com quem casou {person}?", "Quem foi o cônjuge de {person}?"),
        "profession": ("Qual foi a profissão de {person}?", "A que se dedicou {person}, por profissão?"),
        "studied": ("O que estudou {person}?", "Que estudos fez {person}?"),
        "studied_at": ("Onde estudou {person}?", "Que escola ou universidade frequentou {person}?"),
        "played": ("Onde jogou {person} {when}?", "Que clube representou {person} {when}?"),
        "played_when": ("Quando jogou {person} {what}?", "Em que anos jogou {person} {what}?"),
        "coached": ("Que equipa treinou {person} {when}?", "Que equipa esteve a cargo de {person} {when}?"),
        "coached_when": ("Quando treinou {person} {what}?", "Em que anos treinou {person} {what}?"),
        "moved": ("Para onde se mudou {person} {when}?", "Para que lugar ou clube foi {person} {when}?"),
        "moved_when": ("Quando se mudou {person} {what}?", "Em que ano se deu a mudança de {person} {what}?"),
        "joined": ("Onde ingressou {person} {when}?", "Que instituição ou clube acolheu {person} {when}?"),
        "joined_when": ("Quando ingressou {person} {what}?", "Em que ano entrou {person} {what}?"),
        "signed": ("Por que clube assinou {person} {when}?", "Que clube contratou {person} {when}?"),
        "signed_when": ("Quando assinou {person} {what}?", "Em que ano assinou {person} {what}?"),
        "held": ("Que cargo ou ofício teve {person} {when}?", "Que funções exerceu {person} {when}?"),
        "held_when": ("Quando foi {person} {what}?", "Em que anos foi {person} {what}?"),
        "founded": ("O que fundou {person} {when}?", "Que casa ou instituição criou {person} {when}?"),
        "founded_when": ("Quando fundou {person} {what}?", "Em que ano criou {person} {what}?"),
        "won": ("Que prémio ou título ganhou {person} {when}?", "Que distinção obteve {person} {when}?"),
        "won_when": ("Quando ganhou {person} {what}?", "Em que ano obteve {person} {what}?"),
        "published": ("Que obra publicou {person} {when}?", "Que título de {person} saiu {when}?"),
        "published_when": ("Quando publicou {person} {what}?", "Em que ano saiu {what}, de {person}?"),
        "wrote": ("Que obra escreveu {person} {when}?", "Que título se deve à escrita de {person} {when}?"),
        "wrote_when": ("Quando escreveu {person} {what}?", "De que ano é {what}, de {person}?"),
    },
)
_EN = FactWords(
    language="en",
    year="in {}",
    years="between {} and {}",
    named={"played_when": "for {}", "won_when": "“{}”", "published_when": "“{}”"},
    asked={
        "full_name": ("What is the full name of {person}?", "How is {person} called in full?"),
        "nickname": ("By what other name is {person} known?", "What is the nickname of {person}?"),
        "nationality": ("What is the nationality of {person}?", "Of what nationality is {person}?"),
        "born_on": ("When was {person} born?", "What is the date of birth of {person}?"),
        "born_in": ("Where was {person} born?", "What is the birthplace of {person}?"),
        "died_on": ("When did {person} die?", "On what date did {person} die?"),
        "died_in": ("Where did {person} die?", "What was the place of death of {person}?"),
        "parents": ("Who were the parents of {person}?", "What were the names of {person}'s parents?"),
        "father": ("Who was the father of {person}?", "What was the name of {person}'s father?"),
        "mother": ("Who was the mother of {person}?", "What was the name of {person}'s mother?"),
        "spouse": ("Whom did {person} marry?", "Who was the spouse of {person}?"),
        "profession": ("What was the profession of {person}?", "What did {person} work as?"),
        "studied": ("What did {person} study?", "What was the field of study of {person}?"),
        "studied_at": ("Where did {person} study?", "Which school or university did {person} attend?"),
        "played": ("Where did {person} play {when}?", "Which club did {person} turn out for {when}?"),
        "played_when": ("When did {person} play {what}?", "In which years did {person} play {what}?"),
        "coached": ("Which team did {person} coach {when}?", "Which team was in {person}'s charge {when}?"),
        "coached_when": ("When did {person} coach {what}?", "In which years did {person} coach {what}?"),
        "moved": ("Where did {person} move {when}?", "Which place or club did {person} go to {when}?"),
        "moved_when": ("When did {person} move {what}?", "In which year did {person} go {what}?"),
        "joined": ("What did {person} join {when}?", "Which club or institution took {person} in {when}?"),
        "joined_when": ("When did {person} join {what}?", "In which year did {person} enter {what}?"),
        "signed": ("Which club did {person} sign for {when}?", "Which club gave {person} a contract {when}?"),
        "signed_when": ("When did {person} sign {what}?", "In which year did {person} sign {what}?"),
        "held": ("What post did {person} hold {when}?", "As what did {person} serve {when}?"),
        "held_when": ("When was {person} {what}?", "In which years was {person} {what}?"),
        "founded": ("What did {person} found {when}?", "Which institution did {person} create {when}?"),
        "founded_when": ("When did {person} found {what}?", "In which year did {person} create {what}?"),
        "won": ("Which prize or title did {person} win {when}?", "What honour came to {person} {when}?"),
        "won_when": ("When did {person} win {what}?", "In which year was {what} won by {person}?"),
        "published": ("What did {person} publish {when}?", "Which work by {person} came out {when}?"),
        "published_when": ("When did {person} publish {what}?", "In which year did {what} by {person} come out?"),
        "wrote": ("What did {person} write {when}?", "Which work is from the pen of {person} {when}?"),
        "wrote_when": ("When did {person} write {what}?", "From which year is {what} by {person}?"),
    },
)


def fact_words(language: Language) -> FactWords:
    return _EN if language == "en" else _PT
