"""The report's texts in Portuguese, by their English."""

from __future__ import annotations

from collections.abc import Mapping

PORTUGUESE: Mapping[str, str] = {
    # The head and the verdict.
    "Evaluation": "Avaliação",
    "Did {name} learn?": "O {name} aprendeu?",
    "Which of them learned?": "Quais deles aprenderam?",
    "Beside its base {base}, on the dataset {dataset}": "Ao lado da sua base {base}, no conjunto {dataset}",
    "On the dataset {dataset}": "No conjunto {dataset}",
    "It learned": "Aprendeu",
    "Not proven": "Não provado",
    "It memorized": "Decorou",
    "Worse than its base": "Pior do que a base",
    "It does better than its base on what neither was trained on, by more than chance explains.": (
        "Sai-se melhor do que a base no que nenhum dos dois treinou, mais do que o acaso explica."
    ),
    "What was measured does not show that it learned.": "O que se mediu não mostra que tenha aprendido.",
    "It writes more like the texts, but does not show that it knows more of what they say.": (
        "Escreve mais como os textos, mas não mostra saber melhor o que dizem."
    ),
    "It knows more of what the texts say, but writes less like them.": (
        "Sabe melhor o que os textos dizem, mas escreve menos como eles."
    ),
    "It knows the passages that it was trained on by heart, and others no better than its base.": (
        "Sabe de cor as passagens que treinou, e as outras não melhor do que a base."
    ),
    "It does worse than its base, by more than chance explains.": (
        "Sai-se pior do que a base, mais do que o acaso explica."
    ),
    "The adapter is all zeros: it answers as its bare base.": (
        "O adaptador só tem zeros: responde como a base sozinha."
    ),
    "What it stands on": "Em que se baseia",
    "each line on its own scale": "cada linha na sua escala",
    "worse": "pior",
    "better": "melhor",
    "may be chance": "pode ser acaso",
    "base": "base",
    "tuned": "afinado",
    "change": "diferença",
    "95% interval": "intervalo de 95%",
    "{low} to {high}": "{low} a {high}",
    "{change} point": "{change} ponto",
    "{change} points": "{change} pontos",
    "Nothing could be measured on five documents or more, as an interval needs.": (
        "Nada se pôde medir em cinco documentos ou mais, como um intervalo pede."
    ),
    "Next": "A seguir",
    "Next:": "A seguir:",
    "Ask it something.": "Faça-lhe uma pergunta.",
    "Write questions on the texts and train on them too: more rows and more questions tell more.": (
        "Escreva perguntas sobre os textos e treine-as também: mais linhas e mais perguntas dizem mais."
    ),
    "Train again with fewer steps, or with more rows.": "Treine de novo com menos passos, ou com mais linhas.",
    "Train again at a lower rate, or with fewer steps.": "Treine de novo com uma taxa mais baixa, ou menos passos.",
    "Train again.": "Treine de novo.",
    # Many models.
    "One against another": "Uns contra os outros",
    "Bits per byte by checkpoint; less is better.": "Bits por byte de cada ponto guardado; menos é melhor.",
    "Bits per byte; less is better.": "Bits por byte; menos é melhor.",
    "unseen rows": "linhas não vistas",
    "rows trained on": "linhas treinadas",
    "behind the best": "atrás do melhor",
    "best": "o melhor",
    "memorizes from here": "decora a partir daqui",
    # Plots.
    "Learning": "O treino",
    "Loss of {run}, in nats a token; less is better.": "Perda de {run}, em nats por token; menos é melhor.",
    "training": "treino",
    "validation": "validação",
    "step": "passo",
    "Source by source": "Fonte a fonte",
    "Bits per byte of unseen rows; less is better. Whiskers are 95% intervals, where there are five documents.": (
        "Bits por byte das linhas não vistas; menos é melhor. Os traços são intervalos de 95%, onde há 5 documentos."
    ),
    "All sources": "Todas as fontes",
    "{count} rows": "{count} linhas",
    "1 row": "1 linha",
    "The {count} largest sources of {all}.": "As {count} maiores fontes de {all}.",
    # Figures.
    "All figures": "Todos os números",
    "How it writes": "Como escreve",
    "Bits per byte and perplexity: less is better.": "Bits por byte e perplexidade: menos é melhor.",
    "Bits per byte, {count} unseen rows": "Bits por byte, {count} linhas não vistas",
    "Bits per byte, unseen rows": "Bits por byte, linhas não vistas",
    "Bits per byte, rows trained on": "Bits por byte, linhas treinadas",
    "Bits per byte, general text (pt)": "Bits por byte, texto geral (pt)",
    "Bits per byte, general text (en)": "Bits por byte, texto geral (en)",
    "Perplexity, unseen rows": "Perplexidade, linhas não vistas",
    "What it knows": "O que sabe",
    "{count} questions; more is better.": "{count} perguntas; mais é melhor.",
    "Answered exactly": "Respondidas com exatidão",
    "Answer contained": "Resposta contida",
    "Exactly, facts of training in other words": "Com exatidão, factos do treino por outras palavras",
    "Exactly, facts in training's own words": "Com exatidão, factos nas palavras do treino",
    "Exactly, facts asked the other way round": "Com exatidão, factos perguntados ao contrário",
    "Exactly, facts held out": "Com exatidão, factos não vistos",
    "Right one of several": "A certa entre várias",
    "Right one of several likeliest ({count} questions, {chance} by chance)": (
        "A certa é a mais provável de várias ({count} perguntas, {chance} ao acaso)"
    ),
    "Words in common (token F1)": "Palavras em comum (F1)",
    "Words in common beyond chance": "Palavras em comum além do acaso",
    "Letters in common (chrF2++, of 100)": "Letras em comum (chrF2++, de 100)",
    "Order in common (ROUGE-L, of 100)": "Ordem em comum (ROUGE-L, de 100)",
    "Owns not to know ({count} questions without an answer)": "Admite não saber ({count} perguntas sem resposta)",
    "What it repeats": "O que repete",
    "{count} openings of passages that were trained on, continued.": (
        "{count} inícios de passagens treinadas, continuados."
    ),
    "Longest run copied, in tokens": "Maior sequência copiada, em tokens",
    "Continuations with 50 tokens or more copied": "Continuações com 50 tokens ou mais copiados",
    "Share of the passage given back": "Parte da passagem devolvida",
    "How steady it is": "Se é constante",
    "{count} questions, each asked four times at rising temperatures.": (
        "{count} perguntas, cada uma feita quatro vezes a temperaturas crescentes."
    ),
    "Agreement of the answers": "Acordo das respostas",
    "Empty answers": "Respostas vazias",
    "Answers that go round in circles": "Respostas que andam em círculos",
    "Answers in another language": "Respostas noutra língua",
    # Examples.
    "Answers side by side": "Respostas lado a lado",
    "Right answer: {answer}": "Resposta certa: {answer}",
    "No text answers this: the right answer is not to know.": "Nenhum texto responde a isto: o certo é não saber.",
    "right": "certo",
    "contains it": "contém-na",
    "wrong": "errado",
    "owns not to know": "admite não saber",
    "invents": "inventa",
    "Of {count} options, likeliest: {option}": "De {count} opções, a mais provável: {option}",
    "no answer": "sem resposta",
    "seen in training": "visto no treino",
    "in the words of training": "nas palavras do treino",
    "the other way round": "ao contrário",
    "held out": "não visto",
    "without an answer": "sem resposta",
    "{count} more": "Mais {count}",
    "Passages continued": "Passagens continuadas",
    "trained on": "treinada",
    "unseen": "não vista",
    "The text itself": "O próprio texto",
    "{count} tokens copied": "{count} tokens copiados",
    "The same question, four times": "A mesma pergunta, quatro vezes",
    # The foot.
    "How to read this": "Como ler isto",
    "Bits per byte: how surprised the model is by a text, whatever its tokenizer. Half as many is half the surprise.": (
        "Bits por byte: quanto um texto surpreende o modelo, seja qual for o seu tokenizador. "
        "Metade dos bits é metade da surpresa."
    ),
    "95% interval: where the change would lie if other documents of the same kind had been drawn. "
    "An interval that holds zero may be chance.": (
        "Intervalo de 95%: onde estaria a diferença se tivessem calhado outros documentos do mesmo género. "
        "Um intervalo que contém o zero pode ser acaso."
    ),
    "Unseen rows stand in the test split: no model was trained on them.": (
        "As linhas não vistas são as da parte de teste: nenhum modelo treinou com elas."
    ),
    "All items and figures are in report.json, beside this page.": (
        "Todos os itens e números estão em report.json, ao lado desta página."
    ),
}
