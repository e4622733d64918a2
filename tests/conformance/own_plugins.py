"""own_plugins.py [--write] LEAT LIBRARIES PLUGINS: puts every plugin of the folder PLUGINS through `leat plugin test`.

Exits 1 when a case fails, or when the table in PLUGINS/README.md is not what came out; --write writes it there.
A plugin's folder `conformance` is the --input of its test. In it, input.sql makes the SQLite database shop.db.
"""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

BEGIN = "<!-- begin: made by tests/conformance/own_plugins.py --write -->"
END = "<!-- end -->"


def input_of(folder, place):
    """The files for the cases of a plugin, or None."""
    given = folder / "conformance"
    if not given.is_dir():
        return None
    made = pathlib.Path(place, folder.name)
    shutil.copytree(given, made)
    script = made / "input.sql"
    if script.exists():
        database = sqlite3.connect(made / "shop.db")
        database.executescript(script.read_text(encoding="utf-8"))
        database.commit()
        database.close()
        script.unlink()
    return made


def results_of(leat, library, given):
    command = [leat, "plugin", "test", str(library), "--json"]
    if given:
        command += ["--input", str(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{library.name}: exit code {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def remark_of(cases, name):
    return next((case["seen"] for case in cases if case["case"] == name and case["verdict"] == "ok"), "")


def rows_of(results):
    """A line of the table for each component, in the order of the plugin."""
    subjects = {}
    for case in results["cases"]:
        subjects.setdefault(case["subject"], []).append(case)
    for subject, cases in subjects.items():
        if subject == "library":
            continue
        kind, component = subject.split(":", 1)
        ok = [case["case"] for case in cases if case["verdict"] == "ok"]
        skipped = {}
        for case in cases:
            if case["verdict"] == "skipped":
                skipped.setdefault(case["seen"], []).append(case["case"])
        reasons = "; ".join(f"{', '.join(names)}: {why}" for why, names in skipped.items())
        types = remark_of(cases, "takes-all-types")
        yield f"| `{component}` {kind} | {len(ok)} | {types} | {reasons} |"


def table_of(all_results):
    lines = ["| component | cases passed | takes | not tested, and why |", "|---|---|---|---|"]
    for results in all_results:
        lines += rows_of(results)
    return "\n".join(lines)


def main(leat, libraries, plugins, write):
    failed = False
    all_results = []
    with tempfile.TemporaryDirectory() as place:
        for folder in sorted(path.parent for path in plugins.glob("*/CMakeLists.txt")):
            results = results_of(leat, libraries / f"{folder.name}.so", input_of(folder, place))
            all_results.append(results)
            for case in results["cases"]:
                if case["verdict"] == "failed":
                    failed = True
                    print(f"{folder.name}: {case['subject']}/{case['case']}: {case['seen']}")
    readme = plugins / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    current = f"{before}{BEGIN}\n{table_of(all_results)}\n{END}{after}"
    if write:
        readme.write_text(current, encoding="utf-8")
    elif current != text:
        failed = True
        print("plugins/README.md: the table of the conformance suite is not what came out; write it with\n"
              f"  python3 tests/conformance/own_plugins.py --write {leat} {libraries} plugins")
    print(f"{len(all_results)} plugins, {sum(len(results['cases']) for results in all_results)} cases")
    return 1 if failed else 0


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--write"]
    if len(arguments) != 3:
        sys.exit(__doc__)
    sys.exit(main(arguments[0], pathlib.Path(arguments[1]), pathlib.Path(arguments[2]), "--write" in sys.argv))
