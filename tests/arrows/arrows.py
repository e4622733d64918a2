"""arrows.py ROOT: holds the includes of ROOT/host against the arrows that ROOT/host/CMakeLists.txt declares.

Prints one line for every include that follows no arrow, and exits 1 when there is one.
"""
import pathlib
import re
import sys

MODULE = re.compile(r"^\s*leat_module\(([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SOURCES = {".cpp", ".hpp", ".h", ".c", ".ipp"}
ABI_OWNER = "plugin"  # the one module that reads leat.h
OVERLAY = "windows"  # holds files of the same modules, which stand for those of the same name on that system


def declared_arrows(cmake):
    """{module: modules that it may include}, in the order of the file."""
    arrows = {}
    for declaration in MODULE.finditer(cmake):
        name, *words = declaration.group(1).split()
        needs = set()
        taking = False
        for word in words:
            if word.isupper():
                taking = word == "NEEDS"
            elif taking:
                needs.add(word)
        arrows[name] = needs
    return arrows


def place_in_host(source, host):
    """The path from host/ on that the file has, or stands for."""
    relative = source.relative_to(host)
    return relative.relative_to(OVERLAY) if relative.parts[0] == OVERLAY else relative


def faults_of_list(host, arrows):
    before = set()
    for module, needs in arrows.items():
        for need in sorted(needs - before):
            yield f"host/CMakeLists.txt: {module} -> {need}: {need} must be declared above {module}"
        before.add(module)
    for folder in sorted(path for path in host.iterdir() if path.is_dir()):
        if folder.name not in {*arrows, OVERLAY} and any(path.suffix in SOURCES for path in folder.rglob("*")):
            yield f"host/{folder.name} is not declared: add leat_module({folder.name} NEEDS ...) to host/CMakeLists.txt"


def faults_of_include(module, path, arrows, host):
    """Why `module` may not include `path`, or None. `module` is None for host/main.cpp, which may include all."""
    target = path.split("/")[0]
    if target == "leat":
        return None if module == ABI_OWNER else f"{path} is read by host/{ABI_OWNER} alone; include what that offers"
    if target in arrows and "/" in path:
        if ".." in path.split("/"):
            return f'"{path}" goes up: write it from host/ on, as in "runtime/bucket.hpp"'
        if module is None or target == module or target in arrows[module]:
            return None
        return f"{module} -> {target} is not an arrow"
    return f'"{path}" names no module: write it from host/ on, as in "runtime/bucket.hpp"'


def faults_of_file(source, host, arrows):
    relative = source.relative_to(host)
    place = place_in_host(source, host)
    module = place.parts[0] if len(place.parts) > 1 else None
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        include = INCLUDE.match(line)
        if not include:
            continue
        quoted, path = include.group(1) == '"', include.group(2)
        # <boost/...> and <vector> are no business of ours; <runtime/bucket.hpp> and <leat/leat.h> are.
        ours = path.split("/")[0] in arrows or path.startswith("leat/")
        if quoted or ("/" in path and ours):
            why = faults_of_include(module, path, arrows, host)
            if why:
                yield f"host/{relative.as_posix()}:{number}: {why}"


def main(root):
    host = pathlib.Path(root) / "host"
    arrows = declared_arrows((host / "CMakeLists.txt").read_text(encoding="utf-8"))
    sources = sorted(path for path in host.rglob("*") if path.suffix in SOURCES)
    if not arrows or not sources:
        print(f"{host}: no leat_module() or no sources, so nothing was checked")
        return 1
    faults = list(faults_of_list(host, arrows))
    for source in sources:
        place = place_in_host(source, host)
        if len(place.parts) == 1 or place.parts[0] in arrows:  # others are named above, once
            faults += faults_of_file(source, host, arrows)
    for fault in faults:
        print(fault)
    print(f"{len(sources)} files, {len(arrows)} modules, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
