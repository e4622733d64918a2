"""abidiff.py INCLUDE RELEASED: what libabigail's abidiff sees between the kept headers and INCLUDE/leat/leat.h, judged.

abidiff answers a lawful append and an unlawful insertion with the same exit code, and sees no constants, so that it is
a second witness beside layout.py: it reads the debug information of compiled code, and follows every function type.
What may be seen: members that sized structs got behind all that they had, and new structs. Exit code 1: anything else.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import layout

PASSED_OVER = [re.compile(text) for text in (
    r"(Leaf changes|Changed leaf types) summary: .*",
    r"Removed/Changed/Added (functions|variables) summary: 0 Removed, 0 Changed, \d+ Added (function|variable)s?",
    r"\d+ Added variables?:", r"\[A\] 'const leat_\w+\* leat_probe_\w+'.*", r"\d+ data member insertions?:")]


def probe(include, folder, name):
    """A library with debug information of every struct; those that only `extension` hands out are reachable too."""
    names = sorted(key[7:] for key in layout.read_header(include) if key.startswith("struct "))
    source = pathlib.Path(folder, f"{name}.c")
    source.write_text("#include <leat/leat.h>\n"
                      + "".join(f"const struct {name}* leat_probe_{name};\n" for name in names)
                      + "const leat_plugin* leat_plugin_v1(void) { return 0; }\n", encoding="utf-8")
    library = pathlib.Path(folder, f"{name}.so")
    layout.run(["gcc", "-std=c11", "-g", "-fno-eliminate-unused-debug-types", "-shared", "-fPIC", f"-I{include}",
                "-o", library, source])
    # Without it abidiff compares nothing, and is content.
    if ".debug_info" not in layout.run(["readelf", "-SW", library]):
        raise layout.Fault(f"the probe for {include} has no debug information; gcc was asked for it with -g")
    return library


def faults(said, sized):
    """What abidiff said that no lawful change makes it say."""
    struct, size = None, 0
    for line in said.splitlines():
        text = line.strip()
        changed = re.fullmatch(r"'struct (\w+) at .*' changed:", text)
        grown = re.fullmatch(r"type size changed from (\d+) to (\d+) \(in bits\)", text)
        inserted = re.fullmatch(r"'(.*)', at offset (\d+) \(in bits\).*", text)
        if not text or any(pattern.fullmatch(text) for pattern in PASSED_OVER):
            continue
        if changed:
            struct, size = changed.group(1), 0
            if struct not in sized:
                yield "frozen structs", f"{struct} has changed, and is none that may grow"
        elif grown and struct and int(grown.group(2)) > int(grown.group(1)) and int(grown.group(2)) % 64 == 0:
            size = int(grown.group(1))
        elif inserted and struct and size and int(inserted.group(2)) >= size:
            continue
        elif inserted:
            yield "append only", f"{inserted.group(1)} was put into {struct} at bit {inserted.group(2)}, before its end"
        else:
            yield "nothing changes", f"{struct or 'the library'}: {text}"


def compare(include, released):
    found, versions = [], 0
    with tempfile.TemporaryDirectory() as folder:
        new = probe(include, folder, "new")
        for kept in sorted(pathlib.Path(released).glob("1.*")):
            versions += 1
            table = layout.read_table(kept / "layout.txt")
            sized = {key[7:] for key, (_, facts) in table.items() if key.startswith("struct ") and facts[0] == "sized"}
            done = subprocess.run(["abidiff", "--leaf-changes-only", probe(kept, folder, kept.name), new],
                                  capture_output=True, text=True, timeout=120, check=False)
            if done.returncode & 3 or (done.returncode and not done.stdout):  # 1: an error, 2: of usage
                raise layout.Fault(f"abidiff failed with {done.returncode}: {done.stdout}{done.stderr}")
            found += [f"UNLAWFUL since {kept.name}, rule \"{rule}\": {text}" for rule, text in faults(done.stdout, sized)]
    return 1 if found or not versions else 0, "\n".join(found + [f"{versions} releases compared, {len(found)} faults"])


def answer(include, released):
    """(exit code, what is said)"""
    try:
        return compare(include, released)
    except layout.Fault as fault:
        return 1, str(fault)


if __name__ == "__main__":
    code, said = answer(*sys.argv[1:])
    print(said)
    sys.exit(code)
