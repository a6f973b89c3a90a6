"""What the engine is made of, down to the bytes. Pure."""

import hashlib
from pathlib import Path

#: The version that pyproject.toml pins; a test keeps them the same.
VERSION = "0.17.0.2"
#: Only these bytes are ever compiled, or help to.
HASHES = {
    f"quickjs-ng=={VERSION}": "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef",
    "setuptools==84.2.1": "ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2",
}
#: Without interposition the compiler may inline what the library exports; without a PLT a call is one jump.
#: The linker puts our functions in place of three of the engine: see snapshot.c and reading.c.
FLAGS = (
    "-O2",
    "-fno-semantic-interposition",
    "-fno-plt",
    "-Wl,--wrap=JS_NewRuntime,--wrap=JS_ToCStringLen2,--wrap=JS_GetPropertyStr",
)
MARK = Path(__file__).resolve().parent / "mark.h"
#: What of our own is linked into it.
LINKED = (MARK.with_name("reading.c"), MARK.with_name("snapshot.c"))
SOURCES = (MARK, *LINKED)
#: How the gate's message and the runner's metric name it.
MARK_BEGINS = "rebuilt: "


def render_requirement(name: str) -> str:
    """Write one line of a requirements file: exactly this version, with exactly these bytes."""
    found = next(pinned for pinned in HASHES if pinned.startswith(f"{name}=="))
    return f"{found} --hash=sha256:{HASHES[found]}\n"


def render_compiler_flags() -> str:
    """Write the words that the compiler is given, as one environment variable."""
    words = " ".join(FLAGS)
    # The build splits them like a shell: the quotes inside are for the preprocessor.
    return f"""{words} -include '{MARK}' '-DSCRIPTORIUM_FLAGS="{words}"'"""


def compute_key(compiler: str, sources: bytes) -> str:
    """Name all that decides how the module comes out, so that one kept by this name is the right one."""
    parts = [*HASHES, *HASHES.values(), *FLAGS, compiler]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + sources).hexdigest()[:16]
