"""filter.py FILE: a header of the SDK as Doxygen reads it, on standard output, line for line.

leat.h is plain C with plain comments, and is read as it stands; nobody should have to look at markup in it. Here a comment
before a declaration, or behind one, becomes one of Doxygen's, and its text is kept as text.

filter.py --check FILE: says which entries of leat.h lack a thread or a version; exit code 1 when there is one.
"""
import re
import sys


def as_text(text):
    """What Doxygen would take for markup, as what it is."""
    return re.sub(r"([<>#@%\\&$]|::)", r"\\\1", text)


def c_header(lines):
    out, i, is_first = [], 0, True
    while i < len(lines):
        line = lines[i]
        at = line.find("/*")
        if at < 0:
            out.append(line)
            i += 1
            continue
        end = i
        while "*/" not in lines[end][at if end == i else 0:]:
            end += 1
        comment = lines[i:end + 1]
        code = line[:at]
        i = end + 1
        if is_first:  # the rules of the whole file, in their own layout
            is_first = False
            body = [re.sub(r"^( ?/?\*+)|\*/ *$", "", text) for text in comment]
            out += ["/** @file", f"@brief {as_text(body[0].strip())} @verbatim", *body[2:-1], body[-1] + " @endverbatim */"]
        elif not code.strip() and (re.match(r"\s*/\* ----", line) or "clang-format" in line or not following(lines, i)):
            out += [""] * len(comment)
        elif not code.strip():
            text = [as_text(one) for one in comment]
            out += [text[0].replace("/*", "/**", 1), *text[1:]]
        elif code.rstrip().endswith(("};", "}", "{")) or code.lstrip().startswith("LEAT_EXPORT"):
            out += [code.rstrip()] + [""] * (len(comment) - 1)
        else:
            text = [as_text(one) for one in [line[at:], *comment[1:]]]
            out += [code + text[0].replace("/*", "/**<", 1), *text[1:]]
    return out


def following(lines, i):
    """True when a declaration stands behind a comment that ended before line i."""
    return i < len(lines) and lines[i].strip() and not lines[i].lstrip().startswith(("/*", "#if", "#end", "#inc"))


def cpp_header(lines):
    out, in_head = [], True
    for i, line in enumerate(lines):
        if in_head and line.startswith("///"):
            # Its first line is @file's own, so that it is read with the second.
            out.append("/// @file" if i == 0 else f"/// @verbatim {lines[0][3:]}{line[3:]}" if i == 1 else line)
            if not lines[i + 1].startswith("///"):
                out[-1] += " @endverbatim"
                in_head = False
            continue
        comment = re.match(r"(\s*///<? ?)(.*)", line)
        if comment:
            line = comment.group(1) + as_text(comment.group(2))
        out.append(line)
    return out


def entries_without_words(lines):
    """Of the functions in the tables of leat.h, those whose comment lacks a thread or a version."""
    comment, collecting = "", False
    for line in lines:
        if line.lstrip().startswith("/*"):
            comment, collecting = "", True
        if collecting:
            comment += line
            collecting = "*/" not in line
            continue
        entry = re.match(r"\s*LEAT_FN\([^,]*, (\w+),", line)
        if entry:
            for word in ("Thread [", "Since 1."):
                if word not in comment:
                    yield f"entry {entry.group(1)}: its comment has no \"{word}...\""
        if line.strip():
            comment = ""


def main(arguments):
    with open(arguments[-1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    if arguments[0] == "--check":
        missing = list(entries_without_words(lines))
        print("\n".join(missing), end="\n" if missing else "")
        return 1 if missing or not any("LEAT_FN(" in line for line in lines) else 0
    print("\n".join(c_header(lines) if arguments[-1].endswith(".h") else cpp_header(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
