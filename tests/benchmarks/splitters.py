"""Peers that cut texts by a tokenizer, each in a process of its own: `splitters.py PEER TOKENIZER_JSON TOKENS FILE…`.

Prints JSON: seconds of all processors from the loading of the tokenizer to the last piece, the peak
of memory, and the pieces of each file. It imports nothing of Afina: a peer has its own environment.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer

Split = Callable[[str], list[str]]
Make = Callable[[Tokenizer, int], Split]


def semantic_text_splitter() -> Make:
    from semantic_text_splitter import TextSplitter

    return lambda tokenizer, tokens: TextSplitter.from_huggingface_tokenizer(tokenizer, tokens).chunks


def langchain() -> Make:
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # type: ignore[import-not-found]

    def make(tokenizer: Tokenizer, tokens: int) -> Split:
        def count(text: str) -> int:
            return len(tokenizer.encode(text, add_special_tokens=False).ids)

        splitter = RecursiveCharacterTextSplitter(chunk_size=tokens, chunk_overlap=0, length_function=count)
        split: Split = splitter.split_text
        return split

    return make


PEERS: dict[str, Callable[[], Make]] = {"semantic-text-splitter": semantic_text_splitter, "LangChain": langchain}


def main() -> None:
    peer, vocabulary, tokens, *files = sys.argv[1:]
    texts = [Path(file).read_text(encoding="utf-8") for file in files]
    make = PEERS[peer]()
    began = time.process_time()
    split = make(Tokenizer.from_file(vocabulary), int(tokens))
    pieces = [split(text) for text in texts]
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"cpu_s": spent, "peak_bytes": peak, "pieces": pieces}))


if __name__ == "__main__":
    main()
