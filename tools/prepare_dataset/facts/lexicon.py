"""Words that the patterns rest on, Portuguese and English: people, professions, prizes, nationalities."""

from __future__ import annotations

import re


def _any(words: str) -> str:
    """An alternative of words, longer ones first; `_` is a blank inside one."""
    found = {word.replace("_", " ") for word in words.split()}
    return "|".join(
        re.escape(form).replace(r"\ ", r"\s+") for form in sorted(found, key=lambda form: (-len(form), form))
    )


_RELATIVES = _any(
    "pai pais mãe irmão irmã irmãos irmãs filho filha filhos filhas marido mulher esposo esposa avô avó avós tio tia"
    " tios tias primo prima primos primas sogro sogra genro nora cunhado cunhada neto neta netos netas bisavô bisavó"
    " sobrinho sobrinha sobrinhos padrasto madrasta padrinho madrinha afilhado afilhada enteado enteada viúvo viúva"
    " noivo noiva gémeo gémea gêmeo gêmea família father mother parents brother sister brothers sisters son daughter"
    " sons daughters husband wife grandfather grandmother uncle aunt cousin nephew niece grandson granddaughter"
    " stepfather stepmother godfather godmother widow widower twin fiancé fiancée"
)
_PROFESSIONS = _any(
    "ator atriz actor actriz advogado advogada agricultor agricultora arqueólogo arqueóloga arquiteto arquiteta"
    " arquitecto arquitecta artista astrónomo astrónoma astrônomo atleta aviador aviadora bailarino bailarina"
    " bibliotecário bibliotecária biólogo bióloga bispo botânico botânica caricaturista cantor cantora cardeal"
    " carpinteiro cartógrafo ceramista ciclista cientista cineasta cirurgião cirurgiã compositor compositora"
    " construtor construtora coreógrafo coreógrafa cozinheiro cozinheira cronista dançarino dançarina desenhador"
    " desenhadora desenhista desportista diplomata dramaturgo dramaturga economista editor editora empresário"
    " empresária enfermeiro enfermeira engenheiro engenheira ensaísta escritor escritora escultor escultora estadista"
    " explorador exploradora fadista faroleiro faroleira farmacêutico farmacêutica filólogo filóloga filósofo filósofa"
    " físico física fotógrafo fotógrafa futebolista general geógrafo geógrafa geólogo geóloga gravador gravadora"
    " guitarrista historiador historiadora humorista ilustrador ilustradora inventor inventora jogador jogadora"
    " jornalista juiz juíza jurista latoeiro linguista livreiro livreira maestro maestrina magistrado marinheiro"
    " marinheira matemático matemática médico médica militar missionário missionária músico música naturalista"
    " navegador navegadora novelista oceanógrafo oceanógrafa padre pedagogo pedagoga pescador pescadora pianista"
    " pintor pintora piloto poeta poetisa político política professor professora psicólogo psicóloga químico química"
    " realizador realizadora recitador romancista sacerdote sociólogo socióloga soldado tenista teólogo teóloga"
    " tipógrafo tradutor tradutora treinador treinadora veterinário veterinária violinista violoncelista writer"
    " novelist poet painter sculptor actress composer musician singer dancer architect engineer inventor physicist"
    " chemist biologist mathematician scientist philosopher historian journalist editor lawyer judge politician"
    " diplomat soldier sailor explorer navigator teacher professor doctor physician surgeon nurse footballer cyclist"
    " athlete coach manager photographer filmmaker screenwriter playwright essayist translator librarian astronomer"
    " geographer geologist botanist economist priest bishop missionary pianist violinist guitarist illustrator"
    " cartoonist cartographer entrepreneur businessman businesswoman chef fisherman carpenter"
)
_OFFICES = _any(
    "presidente vice-presidente primeiro-ministro primeira-ministra ministro ministra secretário secretária deputado"
    " deputada vereador vereadora senador senadora governador governadora reitor reitora diretor diretora director"
    " directora capitão capitã embaixador embaixadora cônsul rei rainha imperador imperatriz papa arcebispo prefeito"
    " prefeita conservador conservadora redator redatora chefe provedor provedora mestre aprendiz campeão campeã"
    " president minister secretary senator governor rector director captain ambassador consul king queen emperor"
    " empress pope archbishop mayor head chairman chairwoman curator principal"
)
_GENTILICS = _any(
    "português portuguesa brasileiro brasileira espanhol espanhola francês francesa inglês inglesa alemão alemã"
    " italiano italiana angolano angolana moçambicano moçambicana cabo-verdiano cabo-verdiana guineense são-tomense"
    " timorense galego galega catalão catalã belga holandês holandesa suíço suíça austríaco austríaca polaco polaca"
    " polonês polonesa russo russa norte-americano norte-americana americano americana argentino argentina mexicano"
    " mexicana chileno chilena uruguaio uruguaia japonês japonesa chinês chinesa indiano indiana grego grega romano"
    " romana sueco sueca norueguês norueguesa dinamarquês dinamarquesa irlandês irlandesa escocês escocesa britânico"
    " britânica canadiano canadiana canadense luso-brasileiro luso-brasileira goês goesa macaense madeirense açoriano"
    " açoriana húngaro húngara checo checa tcheco tcheca romeno romena"
)
_ENGLISH_GENTILICS = _any(
    "Portuguese Brazilian Spanish French English German Italian Angolan Mozambican Belgian Dutch Swiss Austrian"
    " Polish Russian American Argentine Mexican Chilean Uruguayan Japanese Chinese Indian Greek Roman Swedish"
    " Norwegian Danish Irish Scottish Welsh British Canadian Australian Hungarian Czech Romanian"
)
RELATIVE = rf"(?i:{_RELATIVES})"
PROFESSION = rf"(?:{_PROFESSIONS})"
OFFICE = rf"(?:{_PROFESSIONS}|{_OFFICES})"
GENTILIC = rf"(?:{_GENTILICS})"
ENGLISH_GENTILIC = rf"(?:{_ENGLISH_GENTILICS})"
_OTHERS = _any(
    "amigo amiga rival colega companheiro companheira sucessor sucessora antecessor antecessora discípulo discípula"
    " vizinho vizinha homem senhor senhora menino menina rapaz rapariga casal aluno aluna adversário adversária friend"
    " rival colleague companion successor predecessor pupil neighbour neighbor man woman boy girl teammate"
)
# Nouns that may be the subject of a human verb, and would be somebody else.
HUMAN = rf"(?:{RELATIVE}|(?i:{_OTHERS}|{_PROFESSIONS}|{_OFFICES}))"
# First words of what is won, in Portuguese, and last words of it, in English.
PRIZE = _any(
    "Prémio Prémios Prêmio Prêmios Taça Copa Liga Supertaça Supercopa Campeonato Mundial Medalha Óscar Oscar Nobel"
    " Bola_de_Ouro Bota_de_Ouro Troféu Torneio Grande_Prémio Grande_Prêmio Volta Ordem Comenda Globo_de_Ouro"
    " Leão_de_Ouro Palma_de_Ouro Urso_de_Ouro Grammy Pulitzer Jabuti"
)
ENGLISH_PRIZE = _any("Prize Award Medal Cup League Championship Trophy Order Oscar Grammy Pulitzer")
# Capitalized words that open the name of no club.
NO_CLUB = _any(
    "Liga Taça Copa Campeonato Mundial Estádio Seleção Selecção Europa Jogos Torneio Primeira Segunda Terceira"
    " Divisão Premier Champions World League Cup Stadium Olympics Portugal Brasil Espanha França Itália Inglaterra"
    " Alemanha Angola Moçambique Spain France Italy England Germany Brazil"
)
# Capitalized words that a preposition of place goes with and that are no places.
NO_PLACE = _any(
    "Janeiro Fevereiro Março Abril Maio Junho Julho Agosto Setembro Outubro Novembro Dezembro Primavera Verão Outono"
    " Inverno Páscoa Carnaval Deus Século Idade January February March April May June July August September October"
    " November December Spring Summer Autumn Winter Christmas Easter"
)
# The sentence passes on what others say, or leaves open whether it is so.
DOUBT = re.compile(
    r"\b(?:teria|teriam|terá|terão|tivesse|talvez|porventura|provavelmente|possivelmente|supostamente|alegadamente"
    r"|presumivelmente|presume-se|supõe-se|acredita-se|julga-se|pensa-se|crê-se|consta|diz-se|dizia-se|dizem|contam"
    r"|conta-se|(?:reza|diz) a lenda|rumores|boatos?|parece|cerca de|por volta de|aproximadamente|ca?\.\s*\d"
    r"|não se sabe|ignora-se|desconhece-se|incert[oa]s?|duvidos[oa]s?|hipótese|alguns autores|outras fontes"
    r"|há quem|embora|ainda que|although|though|perhaps|probably|possibly|presumably|supposedly|allegedly"
    r"|reportedly|apparently|rumou?red|according to|said to|believed to|thought to|claimed|claims|legend has it"
    r"|circa|around\s+\d|about\s+\d|may have|might have|would have"
    r"|could have|must have|unknown|uncertain|if)\b"
    r"|(?:^|[,;(]\s*)(?:segundo|conforme|de acordo com)\s+(?:o|a|os|as|alguns|algumas|uns|outros|outras|fontes)\b"
    r"|(?:^|[,;]\s*)(?:segundo|conforme)\s+(?-i:[A-ZÀ-Ý])|(?:^|[,;]\s*)se\s|\?",
    re.IGNORECASE,
)
