"""next_minor.py HEADER OUT: a leat.h as the next minor version could be.

LEAT_ABI_MINOR is one more, and every sized struct has one word more at its end, `next_word`. Plugins and hosts that are
compiled against it stand for those that are to come.
"""
import pathlib
import re
import sys


def main(header, out):
    text = pathlib.Path(header).read_text(encoding="utf-8")
    minor = int(re.search(r"^#define LEAT_ABI_MINOR (\d+)", text, re.M).group(1))
    text = re.sub(r"^#define LEAT_ABI_MINOR \d+", f"#define LEAT_NEXT_MINOR {minor + 1}\n#define LEAT_ABI_MINOR {minor + 1}",
                  text, flags=re.M)
    text, grown = re.subn(r"(struct leat_\w+ \{\n  uint32_t struct_size;.*?)(\n\})", r"\1\n  uint64_t next_word;\2", text,
                          flags=re.S)
    sized = text.count("uint32_t struct_size;")
    if grown != sized or not grown:
        sys.exit(f"next_minor.py: {grown} of {sized} structs with a struct_size could be found in {header}")
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: ABI 1.{minor + 1}, {grown} structs grown")


if __name__ == "__main__":
    main(*sys.argv[1:])
