"""The binary interface that a leat.h makes, as a table, and whether it may follow the ones before it.

layout.py table INCLUDE              the table of INCLUDE/leat/leat.h
layout.py check INCLUDE RELEASED     judges it by the kept headers and tables in RELEASED/1.N; exit code 1: unlawful
layout.py keep INCLUDE RELEASED      the same, and keeps header and table of a new minor version in RELEASED/1.N
layout.py asserts TABLE              the table as static assertions, for compilers that it was not made with

What there is comes from clang's syntax tree, so that nothing has to be listed by hand and nothing can be forgotten;
offsets, sizes and values come from a C program that is generated from it, compiled and run.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CLANG = os.environ.get("CLANG", "clang")
# What every foreign function interface gets right, and what Arrow's own structs are made of.
PLAIN = {"void", "char", "double", "int32_t", "uint32_t", "int64_t", "uint64_t", "intptr_t", "const", "struct"}


class Fault(Exception):
    """What is wrong with the input, for whoever runs this."""


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    if done.returncode != 0:
        raise Fault(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


# ---- Reading a header --------------------------------------------------------------------------------------

def declarations(include):
    """The declarations of leat.h itself, out of clang's syntax tree of it."""
    tree = json.loads(run([CLANG, "-x", "c", "-std=c11", "-fsyntax-only", f"-I{include}", "-Xclang", "-ast-dump=json",
                           "-include", "leat/leat.h", "/dev/null"]))
    found, file = [], ""
    for node in tree["inner"]:
        # A place that is that of the node before it is left out.
        place = node.get("loc", {})
        place = place.get("expansionLoc", place)
        file = place.get("file", file)
        if file.endswith("leat/leat.h"):
            found.append(node)
    if not found:
        raise Fault(f"clang saw no declaration of {include}/leat/leat.h")
    return found


def macros(include):
    """The macros of leat.h: {name: (parameters or None, text)}."""
    out, file = {}, ""
    for line in run([CLANG, "-x", "c", "-std=c11", "-E", "-dD", f"-I{include}", "-"],
                    input="#include <leat/leat.h>\n").splitlines():
        entered = re.match(r'# \d+ "(.*)"', line)
        if entered:
            file = entered.group(1)
        defined = re.match(r"#define (\w+)(\([^)]*\))?(.*)", line)
        if defined and file.endswith("leat/leat.h"):
            out[defined.group(1)] = (defined.group(2), defined.group(3).strip())
    return out


def type_name(text):
    """A type as it is written in the table: `struct x` and `x` are one, as everywhere in C++."""
    return re.sub(r"\bstruct ", "", text).strip()


def members(record):
    for node in record.get("inner", []):
        if node["kind"] == "FieldDecl":
            if node.get("isBitfield"):
                raise Fault(f"RULE \"plain types\": {record['name']}.{node['name']} is a bit-field, which other "
                            "languages cannot read; use a whole integer")
            yield node["name"], type_name(node["type"]["qualType"])


def read_header(include):
    """The table: {line's key: (line, facts)} in order."""
    header = pathlib.Path(include, "leat", "leat.h")
    if not header.is_file():
        raise Fault(f"{header} is not there")
    text = header.read_text(encoding="utf-8")
    if text not in already_read:
        already_read[text] = table_of(include)
    return already_read[text]


already_read = {}  # by the text of the header


def table_of(include):
    structs, constants, functions, types, printed = {}, [], {}, {}, []
    for node in declarations(include):
        name, kind = node.get("name"), node["kind"]
        if kind == "RecordDecl" and node.get("completeDefinition"):
            if node.get("tagUsed") != "struct" or not name:
                raise Fault(f"RULE \"plain types\": {name or 'a nameless struct'} at line {node['loc'].get('line')} is "
                            "no struct with a name; unions and nameless structs are not for an ABI")
            structs[name] = list(members(node))
        elif kind == "EnumDecl":
            constants += [constant["name"] for constant in node["inner"] if constant["kind"] == "EnumConstantDecl"]
        elif kind == "TypedefDecl" and type_name(node["type"]["qualType"]) != name:
            types[name] = type_name(node["type"]["qualType"])
        elif kind == "FunctionDecl":
            functions[name] = type_name(node["type"]["qualType"])
    other_macros = []
    for name, (parameters, text) in macros(include).items():
        if parameters is None and re.search(r"[\w\"]", text) and "__" not in text:
            constants.append(name)
        else:
            other_macros.append(name + (parameters or ""))

    for name in sorted(constants):
        printed.append(f'SAY_VALUE("{name}", {name});')
    for name, fields in structs.items():
        printed.append(f'SAY_SIZE({name});')
        printed += [f'SAY_FIELD({name}, {field});' for field, _ in fields]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "layout.c")
        source.write_text(PROGRAM % "\n  ".join(printed), encoding="utf-8")
        run([CLANG, "-std=c11", f"-I{include}", "-o", f"{folder}/layout", source])
        said = dict(line.split("\t", 1) for line in run([f"{folder}/layout"]).splitlines())

    table = {}
    for name in sorted(other_macros):
        table[f"macro {name.split('(')[0]}"] = (f"macro {name}", name)
    for name in sorted(constants):
        table[f"constant {name}"] = (f"constant {name} = {said[name]}", said[name])
    for name in sorted(types):
        table[f"type {name}"] = (f"type {name} = {types[name]}", types[name])
    for name in sorted(functions):
        table[f"function {name}"] = (f"function {name}: {functions[name]}", functions[name])
    for name in sorted(structs):
        fields = structs[name]
        nature = "sized" if fields and fields[0] == ("struct_size", "uint32_t") else "frozen"
        table[f"struct {name}"] = (f"struct {name} {nature} {said[name]}", (nature, int(said[name])))
        for field, of_type in fields:
            at, size = said[f"{name}.{field}"].split()
            table[f"field {name}.{field}"] = (f"field {name}.{field} @{at} +{size} {of_type}",
                                              (int(at), int(size), of_type))
    return table


PROGRAM = r"""
#include <leat/leat.h>
#include <inttypes.h>
#include <stdio.h>
static void say_signed(const char* name, const char* type, long long v) { printf("%%s\t%%lld %%s\n", name, v, type); }
static void say_unsigned(const char* name, const char* type, unsigned long long v) { printf("%%s\t%%llu %%s\n", name, v, type); }
static void say_text(const char* name, const char* type, const char* v) { (void)type; printf("%%s\t\"%%s\"\n", name, v); }
#define SAY_VALUE(name, v) _Generic((v), char*: say_text, const char*: say_text, int: say_signed, long: say_signed, \
  unsigned int: say_unsigned, unsigned long: say_unsigned)(name, _Generic((v), int: "int", long: "int64", \
  unsigned int: "uint32", unsigned long: "uint64", default: "text"), v)
#define SAY_SIZE(type) printf(#type "\t%%zu\n", sizeof(struct type))
#define SAY_FIELD(type, field) printf(#type "." #field "\t%%zu %%zu\n", offsetof(struct type, field), sizeof(((struct type*)0)->field))
int main(void) {
  %s
  return 0;
}
"""


# ---- A table as text ---------------------------------------------------------------------------------------

def text_of(table):
    return "".join(line + "\n" for line, _ in table.values())


def read_table(path):
    table = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        word, rest = line.split(" ", 1)
        if word == "macro":
            table[f"macro {rest.split('(')[0]}"] = (line, rest)
        elif word in ("constant", "type"):
            name, value = rest.split(" = ", 1)
            table[f"{word} {name}"] = (line, value)
        elif word == "function":
            name, value = rest.split(": ", 1)
            table[f"function {name}"] = (line, value)
        elif word == "struct":
            name, nature, size = rest.split(" ")
            table[f"struct {name}"] = (line, (nature, int(size)))
        elif word == "field":
            name, at, size, of_type = rest.split(" ", 3)
            table[f"field {name}"] = (line, (int(at[1:]), int(size[1:]), of_type))
        else:
            raise Fault(f"{path}: {line!r} is no line of a table; make it with layout.py keep, never by hand")
    return table


def minor_of(table):
    return int(table["constant LEAT_ABI_MINOR"][1].split()[0])


# ---- Judging ------------------------------------------------------------------------------------------------

def alone(table):
    """What the header breaks whatever was there before."""
    sizes = {key[7:]: facts for key, (_, facts) in table.items() if key.startswith("struct ")}
    typedefs = {key[5:] for key in table if key.startswith("type ")}
    opaque = {name for _, (_, facts) in table.items() if isinstance(facts, tuple) and len(facts) == 3
              for name in re.findall(r"\b(leat_\w+) \*", facts[2])}
    known = PLAIN | typedefs | set(sizes) | opaque
    for name, (nature, size) in sizes.items():
        fields = [(key[len("field " + name) + 1:], facts) for key, (_, facts) in table.items()
                  if key.startswith(f"field {name}.")]
        end = 0
        for field, (at, length, of_type) in fields:
            where = f"{name}.{field}"
            if at != end:
                yield "no padding", f"there is a hole of {at - end} bytes before {where}; fill it with a reserved word"
            end = at + length
            strange = sorted(set(re.findall(r"[A-Za-z_]\w*", of_type)) - known)
            if strange:
                yield "plain types", (f"{where} uses {', '.join(strange)}; use int32_t, uint32_t, int64_t, uint64_t, "
                                      "double, char, pointers and the structs of leat.h")
            if "[" in of_type:
                yield "no arrays", f"{where} is an array; use a pointer and a count"
            if sizes.get(of_type, ("frozen", 0))[0] == "sized":
                yield "by pointer only", f"{where} holds a {of_type} by value, which then cannot grow; hold a pointer"
            for by_value in re.findall(r"(?:^|[(,] ?)(\w+)(?= ?[,)(])", of_type):
                if by_value in sizes:
                    yield "by pointer only", f"{where} passes a {by_value} by value; pass a pointer"
        if end != size:
            yield "no padding", f"{name} ends with {size - end} bytes that no field has; fill them with a reserved word"
        if nature == "sized" and size % 8 != 0:
            yield "whole words", f"{name} has {size} bytes; a sized struct is a multiple of 8"


def change(old, new, version):
    """What `new` breaks of `old`, a table of an earlier release."""
    for key, (_, was) in old.items():
        word, name = key.split(" ", 1)
        now = new.get(key, (None, None))[1]
        if key == "constant LEAT_ABI_MINOR":
            continue
        if now is None:
            yield "nothing goes", f"{key} of ABI {version} is gone; plugins that use it are out there: put it back"
        elif now == was:
            continue
        elif word == "constant":
            yield "values stay", f"{name} is {now}, and in ABI {version} it was {was}; make a new constant instead"
        elif word in ("type", "function", "macro"):
            yield "types stay", f"{name} is `{now}`, and in ABI {version} it was `{was}`; add a new one instead"
        elif word == "struct":
            if was[0] != now[0]:
                yield "types stay", f"{name} is {now[0]}, and in ABI {version} it was {was[0]}"
            elif was[0] == "frozen":
                yield "frozen structs", f"{name} has {now[1]} bytes, and in ABI {version} {was[1]}; it never changes"
            elif now[1] < was[1]:
                yield "append only", f"{name} has {now[1]} bytes, fewer than the {was[1]} of ABI {version}"
        elif now[0] != was[0]:
            yield "append only", (f"{name} is at offset {now[0]}, and in ABI {version} it was at {was[0]}; put what is "
                                  "new behind all else")
        else:
            yield "types stay", (f"{name} is `{now[2]}` of {now[1]} bytes, and in ABI {version} it was `{was[2]}` of "
                                 f"{was[1]}; append a new field instead")
    for key, (_, now) in new.items():
        if not key.startswith("field ") or key in old:
            continue
        struct = key[6:].split(".")[0]
        nature, size = old.get(f"struct {struct}", (None, ("new", 0)))[1]
        if nature == "frozen":
            yield "frozen structs", f"{key[6:]} is new, but {struct} never changes; make a new struct or an extension"
        elif nature == "sized" and now[0] < size:
            yield "append only", (f"{key[6:]} was put at offset {now[0]}, inside the {size} bytes that {struct} has in "
                                  f"ABI {version}; put it at the end")
    for key, (_, now) in new.items():
        if key.startswith("struct ") and key not in old and now[0] == "frozen":
            yield "new structs are sized", f"{key[7:]} does not begin with `uint32_t struct_size`, so that it could never grow"


def judge(include, released):
    """(faults as (rule, text), the table, True when its minor version is new)."""
    new = read_header(include)
    minor = minor_of(new)
    kept = sorted((int(folder.name[2:]), folder) for folder in pathlib.Path(released).glob("1.*"))
    if [number for number, _ in kept] != list(range(len(kept))) or not kept:
        raise Fault(f"{released} must hold 1.0 and every minor version after it")
    faults = list(alone(new))
    for number, folder in kept:
        table = read_table(folder / "layout.txt")
        if text_of(read_header(folder)) != text_of(table):
            faults.append(("releases stay", f"{folder}: leat.h and layout.txt do not fit each other; both stay as they "
                           "were released: restore them from history"))
        faults += change(table, new, f"1.{number}")
    newest, folder = kept[-1]
    if minor < newest:
        faults.append(("one version, one table", f"LEAT_ABI_MINOR is {minor}, but ABI 1.{newest} is released"))
    elif minor > newest + 1:
        faults.append(("one version, one table", f"LEAT_ABI_MINOR is {minor}; after ABI 1.{newest} comes 1.{newest + 1}"))
    elif minor == newest and not faults:
        added = [key for key in new if key not in read_table(folder / "layout.txt")]
        if added:
            faults.append(("additions take a new minor version", f"{', '.join(added)} is not in ABI 1.{newest}, which "
                           f"is released; define LEAT_ABI_MINOR as {newest + 1}, and say Since 1.{newest + 1}"))
    seen = set()
    faults = [fault for fault in faults if not (fault in seen or seen.add(fault))]
    return faults, new, minor > newest


def keep(include, released, table):
    folder = pathlib.Path(released, f"1.{minor_of(table)}")
    (folder / "leat").mkdir(parents=True)
    shutil.copy(pathlib.Path(include, "leat", "leat.h"), folder / "leat" / "leat.h")
    (folder / "layout.txt").write_text(text_of(table), encoding="utf-8")
    return f"kept {folder}"


def asserts(table):
    yield ("#include <leat/leat.h>\n#ifdef __cplusplus\n#define CHECK(c, text) static_assert(c, text)\n#else\n"
           "#define CHECK(c, text) _Static_assert(c, text)\n#endif")
    for key, (_, facts) in table.items():
        word, name = key.split(" ", 1)
        if word == "struct":
            compared = "==" if facts[0] == "frozen" else ">="
            yield f'CHECK(sizeof(struct {name}) {compared} {facts[1]}, "{name} has another size");'
        elif word == "field":
            struct, field = name.split(".")
            yield f'CHECK(offsetof(struct {struct}, {field}) == {facts[0]}, "{name} has moved");'
        elif word == "constant" and not facts.startswith('"') and name != "LEAT_ABI_MINOR":
            value, of_type = facts.split()
            yield f'CHECK({name} == {value}{"u" if of_type.startswith("u") else ""}, "{name} has another value");'


def answer(arguments):
    """(exit code, what is said)"""
    try:
        if len(arguments) == 2 and arguments[0] == "table":
            return 0, text_of(read_header(arguments[1])).rstrip("\n")
        if len(arguments) == 2 and arguments[0] == "asserts":
            return 0, "\n".join(asserts(read_table(arguments[1])))
        if len(arguments) == 3 and arguments[0] in ("check", "keep"):
            return check(*arguments)
        return 2, __doc__
    except Fault as fault:
        return 1, str(fault)


def check(verb, include, released):
    if verb == "keep" and not pathlib.Path(released, "1.0").is_dir():
        return 0, keep(include, released, read_header(include))
    faults, table, is_new = judge(include, released)
    if faults:
        return 1, "\n".join([f'UNLAWFUL, rule "{rule}": {text}' for rule, text in faults]
                            + [f"{len(faults)} faults; the rules are in tests/abi/README.md"])
    if is_new and verb == "check":
        return 1, f"lawful, but ABI 1.{minor_of(table)} is not kept yet; once it is done, run: bash tests/abi/keep.sh"
    kept = [keep(include, released, table)] if is_new else []
    return 0, "\n".join(kept + [f"{len(table)} lines, all lawful"])


def main(arguments):
    code, said = answer(arguments)
    print(said, file=sys.stderr if code == 2 else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
