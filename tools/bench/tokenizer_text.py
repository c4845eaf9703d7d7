#!/usr/bin/env python3
"""Writes a text to measure tokenizers with, out of what this machine has: English and code from Python's standard library,
and translations into other languages and scripts from the system's message catalogues.

  tokenizer_text.py OUTPUT [--bytes 10000000]

Half of the bytes are Python's, half translations, in blocks of a few kilobytes that take turns. Prints the SHA-256.
"""

import argparse
import gettext
import glob
import hashlib
import os
import sysconfig

BLOCK_CHARACTERS = 4000
LANGUAGES = ["zh_CN", "ja", "ru", "de", "ko", "fr", "vi", "uk", "el", "ar"]


def python_text():
    folder = sysconfig.get_paths()["stdlib"]
    files = sorted(glob.glob(os.path.join(folder, "*.py"))) + [os.path.join(folder, "pydoc_data", "topics.py")]
    return "\n".join(read(name) for name in files)


def read(name):
    with open(name, encoding="utf-8", newline="") as file:
        return file.read()


def translated_text(language):
    messages = []
    for name in sorted(glob.glob(f"/usr/share/locale/{language}/LC_MESSAGES/*.mo")):
        try:
            with open(name, "rb") as file:
                catalogue = gettext.GNUTranslations(file)
        except (UnicodeDecodeError, IndexError, ValueError):
            continue  # a catalogue whose header does not say enough
        # The public interface gives one message at a time by its key alone.
        messages += [text for _, text in sorted(catalogue._catalog.items(), key=str) if isinstance(text, str) and text]
    return "\n".join(messages)


def blocks(text):
    return [text[i:i + BLOCK_CHARACTERS] for i in range(0, len(text), BLOCK_CHARACTERS)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--bytes", type=int, default=10_000_000)
    options = parser.parse_args()
    english = blocks(python_text())
    sources = [found for found in (blocks(translated_text(language)) for language in LANGUAGES) if found]
    if not sources:
        parser.error("no message catalogues in /usr/share/locale")
    parts, size, turn = [], 0, 0
    while size < options.bytes:
        translations = sources[turn % len(sources)]
        for part in (english[turn % len(english)], translations[turn // len(sources) % len(translations)]):
            parts.append(part)
            size += len(part.encode())
        turn += 1
    data = "".join(parts).encode()[:options.bytes].decode(errors="ignore").encode()
    with open(options.output, "wb") as file:
        file.write(data)
    print(f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
