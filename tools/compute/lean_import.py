"""mlx-lm without what it imports for work that is not done here.

`import mlx_lm` brings transformers and huggingface_hub for tokenizers and downloads: two of the 2.2 seconds
that a process on MLX took to start. Here tokenizers come from `tools.models.tokenizer` and weights from
files, so those two stand aside while mlx-lm is imported. Their names stay usable: whoever asks one of them
for something (mlx-lm's own `load`, say) gets it from the real library, imported then.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_DEFERRED = {
    "transformers": ("AutoTokenizer", "PreTrainedTokenizer", "PreTrainedTokenizerFast"),
    "transformers.tokenization_utils_base": ("PreTrainedTokenizerBase",),
    "huggingface_hub": ("snapshot_download",),
}


class _Deferred(type):
    """A class or function of a library that is imported when it is first used."""

    origin: str

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls._real(), name)

    def __call__(cls, *given: Any, **named: Any) -> Any:
        return cls._real()(*given, **named)

    def _real(cls) -> Any:
        return getattr(importlib.import_module(cls.origin), cls.__name__)


def _stand_in(library: str, names: tuple[str, ...]) -> ModuleType:
    module = ModuleType(library)
    for name in names:
        setattr(module, name, _Deferred(name, (), {"origin": library}))
    return module


def _ignored(*_: Any, **__: Any) -> None:
    """Takes what mlx-lm registers with transformers."""


def import_mlx_lm() -> None:
    """Import mlx-lm's parts used here; does nothing where it or transformers has been imported already."""
    if "mlx_lm" in sys.modules or "transformers" in sys.modules:
        return
    for library, names in _DEFERRED.items():
        sys.modules.setdefault(library, _stand_in(library, names))
    # mlx-lm registers a tokenizer class of its own (InternLM's) as it is imported.
    sys.modules["transformers"].AutoTokenizer.register = _ignored
    try:
        for part in ("mlx_lm", "mlx_lm.generate", "mlx_lm.tuner"):
            importlib.import_module(part)
    finally:
        for library in _DEFERRED:
            if isinstance(getattr(sys.modules[library], _DEFERRED[library][0]), _Deferred):
                del sys.modules[library]
