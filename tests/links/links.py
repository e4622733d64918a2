"""links.py ROOT: every link in the Markdown files of the tree leads to something. Exit code 1: one does not.

A link to a file or folder of the tree must be there, and its #anchor a heading of it. In sdk/CONTRACT.md a link that leads
to a source of tests names a test in it, and each line of a table has one. Links to other sites are not followed.
"""
import pathlib
import re
import subprocess
import sys
import urllib.parse

# What is made of them has the files that they link to.
LEFT_OUT = ("sdk/templates/all/",)
LINK = re.compile(r"!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>[^()\s]+)(?:\s+\"[^\"]*\")?\)"
                  r"|^\s*\[[^\]]+\]:\s*(?P<defined>\S+)|(?:href|src)=\"(?P<html>[^\"]+)\"", re.M)


def files(root):
    """The Markdown files of the tree; of what git knows, where there is git."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z", "*.md"],
                            capture_output=True, text=True, timeout=60, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*.md") if "build" not in path.relative_to(root).parts]
    return sorted(name for name in names if not name.startswith(LEFT_OUT) and (root / name).is_file())


def without_code(text):
    """The text with its code blanked, line for line; what is code in a link's own text stays a link."""
    out, fence = [], None
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and fence is None:
            fence = mark.group(1)
            out.append("")
        elif fence is not None:
            fence = None if line.strip().startswith(fence) else fence
            out.append("")
        else:
            out.append(re.sub(r"(`+)[^`]+\1", lambda code: "x" * len(code.group()), line))
    return "\n".join(out)


def anchors(text):
    """The anchors of its headings, as GitHub makes them, and those that are written in HTML."""
    seen, out = {}, set(re.findall(r"(?:id|name)=\"([^\"]+)\"", text))
    fence = False
    for line in text.splitlines():
        fence ^= bool(re.match(r"\s*(```|~~~)", line))
        heading = None if fence else re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
            name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
            number = seen.get(name, 0)
            seen[name] = number + 1
            out.add(f"{name}-{number}" if number else name)
    return out


def has_test(source, name):
    """True when a test of this name is in a source: of Boost.Test, Python, CTest, or a case of leat plugin test."""
    word = re.escape(name)
    return re.search(rf"_TEST_CASE(_TEMPLATE)?\(\s*{word}\b|_TEST_CASE_F\(\s*\w+,\s*{word}\b|def {word}\(|add_test\(NAME {word}\s|leat_add_test\({word}\s"
                     rf"|^\s*\{{\"{word}\", ?(Step::|\"|$)", source, re.M) is not None


def faults_of(root, name):
    text = (root / name).read_text(encoding="utf-8")
    shown = without_code(text)
    is_contract = name == "sdk/CONTRACT.md"
    links = 0
    for link in LINK.finditer(shown):
        links += 1
        to = link["to"] or link["defined"] or link["html"]
        line = shown.count("\n", 0, link.start()) + 1
        where = f"{name}:{line}: {to}"
        if re.match(r"[a-z][a-z0-9+.-]*:", to):
            continue
        path, _, anchor = to.partition("#")
        target = (root / name).parent / urllib.parse.unquote(path) if path else root / name
        if not target.exists():
            yield f"{where}: is not there"
            continue
        if root.resolve() not in [target.resolve(), *target.resolve().parents]:
            yield f"{where}: is outside the tree"
        if anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{where}: {target.name} has no heading for #{anchor}"
        if is_contract and target.suffix in (".cpp", ".py", ".txt"):
            if not has_test(target.read_text(encoding="utf-8"), link["text"]):
                yield f"{where}: has no test \"{link['text']}\""
    if is_contract:
        for number, line in enumerate(shown.splitlines(), 1):
            if re.match(r"\| [HP] \|", line) and "](" not in line.split("|")[-2]:
                yield f"{name}:{number}: names no test"
        if links < 50:
            yield f"{name}: has {links} links; its tables are gone"


def main(root):
    names = files(root)
    faults = [fault for name in names for fault in faults_of(root, name)]
    print("\n".join(faults + [f"{len(names)} files, {len(faults)} dead links"]))
    return 1 if faults or not names else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
