"""panics.py LEAT LANGUAGE PLUGINS: a plugin in Rust or Go that panics, with and without the fence of its template.

With it, the panic is an error with its text, and the host goes on; without it the process ends, and the next run says in
which call, and has every row once. Exits 77 when the language's compiler is not there: a test that is skipped.
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
ROWS = 100
# What panics, once: while there is a file of this name.
PANICS = {
    "rust": ("fn process(&mut self, ctx: &Ctx, lent: &leat::Batch) -> Result<()> {",
             'if std::fs::remove_file("armed").is_ok() { panic!("seven is too much"); }'),
    "go": ("		it := kept(self).(*atLeast)\n		found, status := it.find(ctx, lent.schema)",
           '		if os.Remove("armed") == nil {\n			panic("seven is too much")\n		}'),
}
CALL = "process of transform 1 my.at-least (plugin my 1.0.0), pipeline numbers"


def insert(path, behind, text):
    before = path.read_text(encoding="utf-8")
    assert before.count(behind) == 1, f"{path.name} has not one place {behind!r}"
    path.write_text(before.replace(behind, f"{behind}\n{text}"), encoding="utf-8")


def make(leat, language, place, fenced):
    folder = place / "my"
    subprocess.run([leat, "plugin", "new", "my", "--lang", language, "--kind", "transform"], cwd=place, check=True,
                   capture_output=True, timeout=60)
    source = folder / {"rust": "my.rs", "go": "my.go"}[language]
    insert(source, *PANICS[language])
    options = []
    if language == "go":
        insert(source, 'import "C"', '\nimport "os"')
        if not fenced:
            runtime = folder / "leat.go"
            text = runtime.read_text(encoding="utf-8")
            without, count = re.subn(r"\tdefer func\(\) \{\n.*?\n\t\}\(\)\n", "", text, flags=re.DOTALL)
            assert count == 1, "leat.go has not one deferred function"
            runtime.write_text(without.replace('\t"fmt"\n', ""), encoding="utf-8")
    elif not fenced:
        options = ["RUSTFLAGS=-C panic=abort"]
    done = subprocess.run(["make", *options], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (place / "in.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(ROWS)), encoding="utf-8")
    (place / "p.yaml").write_text(
        "version: 1\nplugins: { directories: [my] }\npipelines:\n  numbers:\n"
        "    extract: { csv: { path: in.csv, types: { id: int64 } } }\n"
        "    transform: [ my.at-least: { min: 0 } ]\n    load: { ndjson: { path: out.ndjson } }\n"
        "    bucket: { rows: 10 }\n", encoding="utf-8")


def run(leat, plugins, place):
    return subprocess.run([leat, "--plugins", plugins, "run", "--json", "--log-format", "text", "p.yaml"], cwd=place,
                          capture_output=True, text=True, timeout=120)


def every_row_is_there_once(place):
    expected = "".join(f'{{"id":{n}}}\n' for n in range(ROWS))
    assert (place / "out.ndjson").read_text(encoding="utf-8") == expected, "a row is missing, or there twice"


def with_fence(leat, language, plugins, place):
    make(leat, language, place, fenced=True)
    (place / "armed").touch()
    failed = run(leat, plugins, place)
    assert failed.returncode == 1, f"exit code {failed.returncode}: {failed.stderr}"
    receipt = json.loads(failed.stdout)["pipelines"][0]
    expected = 'pipeline "numbers": transform 1 my.at-least: panicked: seven is too much'
    assert receipt["error"].startswith(expected), receipt["error"]
    assert receipt["balanced"], "the receipt does not balance"
    assert run(leat, plugins, place).returncode == 0
    every_row_is_there_once(place)


def without_fence(leat, language, plugins, place):
    make(leat, language, place, fenced=False)
    (place / "armed").touch()
    died = run(leat, plugins, place)
    assert died.returncode == -signal.SIGABRT, f"exit code {died.returncode}: {died.stderr}"
    assert "seven is too much" in died.stderr, died.stderr
    assert f"leat: SIGABRT in {CALL}; " in died.stderr, died.stderr
    then = run(leat, plugins, place)
    assert then.returncode == 0, then.stderr
    assert " ended without a receipt: " in then.stderr and CALL in then.stderr, then.stderr
    every_row_is_there_once(place)


def main(leat, language, plugins):
    compiler = {"rust": "rustc", "go": "go"}[language]
    if not shutil.which(compiler):
        print(f"skipped: {compiler} is not there; packaging/deps.sh installs it")
        return SKIPPED
    for case in (with_fence, without_fence):
        with tempfile.TemporaryDirectory() as place:
            case(leat, language, plugins, pathlib.Path(place))
        print(f"{language} {case.__name__}: passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3]))
