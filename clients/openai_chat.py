"""Ask Afina through the OpenAI client: once in one piece, once as it is written.

    python clients/openai_chat.py "Quem acende o farol?" --model livros

The address is `--base-url`, or OPENAI_BASE_URL, or that of `afina serve` on this machine; the key is
AFINA_API_KEY, where the server asks for one.
"""

from __future__ import annotations

import argparse
import os
import sys

from openai import APIConnectionError, APIStatusError, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

LOCAL = "http://127.0.0.1:8321/v1"


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask Afina through the OpenAI client.")
    parser.add_argument("prompt", nargs="?", default="Conta-me uma coisa sobre o farol.")
    parser.add_argument("--model", help="adapter or base; default the first that the server lists")
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL", LOCAL))
    parser.add_argument("--max-tokens", type=int, default=200)
    arguments = parser.parse_args()
    client = OpenAI(base_url=arguments.base_url, api_key=os.environ.get("AFINA_API_KEY", "none"))
    try:
        model = arguments.model or next(iter(client.models.list())).id
        ask_plainly(client, model, arguments.prompt, arguments.max_tokens)
        ask_streaming(client, model, arguments.prompt, arguments.max_tokens)
    except APIConnectionError:
        print(f"Nobody answers at {arguments.base_url}: start `afina serve`.", file=sys.stderr)
        return 1
    except APIStatusError as error:
        print(f"{error.status_code}: {error.message}", file=sys.stderr)
        return 1
    return 0


def ask_plainly(client: OpenAI, model: str, prompt: str, max_tokens: int) -> None:
    """One request, one answer, with what it cost."""
    message: ChatCompletionUserMessageParam = {"role": "user", "content": prompt}
    answer = client.chat.completions.create(model=model, messages=[message], max_tokens=max_tokens)
    choice, usage = answer.choices[0], answer.usage
    print(f"{answer.model}: {choice.message.content}")
    if usage:
        print(f"({usage.prompt_tokens} + {usage.completion_tokens} tokens, {choice.finish_reason})")


def ask_streaming(client: OpenAI, model: str, prompt: str, max_tokens: int) -> None:
    """The same, shown as it is written."""
    message: ChatCompletionUserMessageParam = {"role": "user", "content": prompt}
    print(f"{model}, streamed: ", end="", flush=True)
    for chunk in client.chat.completions.create(model=model, messages=[message], max_tokens=max_tokens, stream=True):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
    print()


if __name__ == "__main__":
    sys.exit(main())
