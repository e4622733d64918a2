"""examples.py LEAT BUILD LANGUAGE: builds the plugins of sdk/examples in a language, and tests them.
examples.py LEAT BUILD mixed: runs pipelines whose parts are of several languages, kills them, and runs them again.

BUILD is the build folder, where the test programs are, and the SDK can be installed from; what is built here is kept
below it, in Testing/examples. Exits 77 when a compiler is not there: a test that is skipped.
"""
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
COMPILERS = {"c": "cc", "cpp": "g++", "rust": "rustc", "go": "go"}
NAMES = ("lines", "access-log", "parts")
STRICT = {
    "CFLAGS": "-O2 -Wall -Wextra -Wshadow -pedantic -Werror",
    "CXXFLAGS": "-O0 -Wall -Wextra -Wshadow -pedantic -Werror",
    "RUSTFLAGS": "-O -D warnings",
}
# From the first of which to the last: the language of the source, the transform and the sink.
MIXES = (("c", "cpp", "rust"), ("cpp", "rust", "go"), ("rust", "go", "c"), ("go", "c", "cpp"))


class Failed(Exception):
    pass


def run(*command, **more):
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Examples:
    """The examples as they are installed, outside of the tree, with the SDK that is installed beside them."""

    def __init__(self, leat, build, what):
        self.leat, self.kept = leat, build / "Testing/examples"
        # In the same place each time, or compilers would find nothing in their caches.
        installed = self.kept / f"sdk-{what}"
        shutil.rmtree(installed, ignore_errors=True)
        run("cmake", "--install", build, "--component", "sdk", "--prefix", installed)
        self.folder = installed / "share/doc/leat-dev/examples"
        changes = (*STRICT, "MAKEFLAGS", "GOFLAGS", "OUT")
        self.environment = {key: value for key, value in os.environ.items() if key not in changes}
        self.environment.update(STRICT, PKG_CONFIG_PATH=str(installed / "share/pkgconfig"), LEAT=leat)

    def make(self, language, *targets):
        out = f"OUT={self.kept / language}"
        return run("make", "-j2", "-C", self.folder / language, out, *targets, env=self.environment)

    def build(self, language):
        self.make(language)
        return {name: self.kept / language / f"{name}.so" for name in NAMES}


def there(language):
    return shutil.which(COMPILERS[language]) is not None


def missing(language):
    print(f"skipped: {COMPILERS[language]} is not there; packaging/deps.sh installs it")


def add_record_that_is_no_text(examples):
    """So that the source has something to reject; packages have only files of text."""
    with open(examples.folder / "conformance/access.log", "ab") as log:
        log.write(b"10.0.0.1 - \xff\xfe [10/Nov/2026:01:02:03 +0100]\r\nand no line feed at the end")


def test_language(examples, language):
    examples.build(language)
    for name in NAMES:  # compiled once for all languages
        shutil.copy(examples.kept / f"programs/{name}_test", examples.kept / language)
    said = examples.make(language, "--output-sync", "test")
    if said.count("\npassed\n") != 3:
        raise Failed(f"make test says: {said}")
    said = examples.make(language, "--output-sync", "check")
    if said.count("\na host takes it\n") != 3:
        raise Failed(f"make check says: {said}")
    add_record_that_is_no_text(examples)
    said = examples.make(language, "--output-sync", "conformance")
    tried = [line for line in said.splitlines() if " ok, " in line]
    skipped = {line.split()[1] for line in said.splitlines() if line.startswith("  skipped")}
    rejected = said.count("  ok       rejects")  # the sink has nothing to reject
    if len(tried) != 3 or skipped != {"acks", "goes-on-from-saved", "repeats", "rejects"} or rejected != 2:
        raise Failed(f"make conformance says: {said}")
    return "; ".join(tried)


def test_in_tree(examples, source):
    """Inside the tree the Makefiles take the SDK beside them, and build the tests by themselves."""
    out = examples.kept / "in-tree"
    environment = dict(examples.environment, PKG_CONFIG_PATH="/nowhere")
    said = run("make", "-C", source / "c", f"OUT={out}", "test-lines", env=environment)
    if "\npassed\n" not in said:
        raise Failed(f"make test-lines in the tree says: {said}")


# ---- Pipelines ----

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def make_log(path, count):
    """A log with bad lines in it; returns its rows, and how often each reason to reject one is due."""
    dice = random.Random(5)
    rows, reasons = [], collections.Counter()
    with open(path, "wb") as log:
        for number in range(1, count + 1):
            end = dice.choice((b"\n", b"\n", b"\r\n"))
            kind = dice.random()
            if kind < 0.001:
                log.write(b"\xfe" + end)
                reasons[f"access.log:{number}: not UTF-8: byte 1 of the line is 0xFE"] += 1
                continue
            if kind < 0.003:
                log.write(b"10.0.0.1 - - yesterday" + end)
                reasons['not a line of a log: expected "[" at byte 14'] += 1
                continue
            when = time.gmtime(dice.randrange(0, 4_000_000_000))
            user, size = dice.choice(("-", "ann", "j\u00f6rg")), dice.choice(("-", str(dice.randrange(10**12))))
            log.write(f"10.0.0.{number % 256} - {user} [{when.tm_mday:02}/{MONTHS[when.tm_mon - 1]}/{when.tm_year:04}:"
                      f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02} +0000] \"GET /{number}\\\" HTTP/1.1\" "
                      f"{200 + number % 300} {size}".encode() + end)
            rows.append({"host": f"10.0.0.{number % 256}", "user": None if user == "-" else user,
                         "time": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", when), "method": "GET",
                         "path": f"/{number}\\\"", "status": 200 + number % 300,
                         "bytes": None if size == "-" else int(size)})
    return rows, reasons


def parts_of(place):
    return list(place.glob("out/*/[0-9]*/rows.ndjson"))


def kill_in_the_middle(command, place, environment):
    """Starts a run, and kills it when some parts are committed; it must not have come to its end."""
    with open(place / "killed.log", "wb") as log:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 60
            while len(parts_of(place)) < 5 and process.poll() is None and time.monotonic() < end:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        finally:
            process.kill()
            process.wait(timeout=60)
    if process.returncode != -signal.SIGKILL:
        raise Failed(f"it was not killed: exit code {process.returncode}\n{(place / 'killed.log').read_text()}")


def test_mix(examples, languages, place):
    for language, name in zip(languages, NAMES):
        shutil.copy(examples.build(language)[name], place)
    rows, reasons = make_log(place / "access.log", 20000)
    (place / "p.yaml").write_text("""version: 1
plugins: { directories: [.] }
pipelines:
  log:
    extract: { example.lines: { path: access.log, batch_rows: 300 } }
    transform: [example.access-log]
    load: { example.parts: { path: out } }
    bucket: { rows: 200, workers: 2 }
""", encoding="utf-8")
    # Found are these and no other plugins.
    command = [str(examples.leat), "run", "p.yaml", "--json"]
    kill_in_the_middle(command, place, examples.environment)
    before = sum(path.read_bytes().count(b"\n") for path in parts_of(place))
    done = subprocess.run(command, cwd=place, env=examples.environment, capture_output=True, text=True, timeout=120,
                          check=False)
    receipt = json.loads(done.stdout.splitlines()[-1])
    pipeline = receipt["pipelines"][0]
    if done.returncode != 0 or not receipt["balanced"] or pipeline["outcome"] != "done":
        raise Failed(f"the second run: exit code {done.returncode}: {receipt}\n{done.stderr}")
    if not 0 < before < len(rows) or pipeline["delivered"] != len(rows) - before:
        raise Failed(f"the first run delivered {before} rows, the second {pipeline['delivered']}, of {len(rows)}")
    found = [json.loads(line) for path in parts_of(place) for line in path.read_text(encoding="utf-8").splitlines()]
    if sorted(map(repr, found)) != sorted(map(repr, rows)):
        wrong = collections.Counter(map(repr, found))
        wrong.subtract(map(repr, rows))
        raise Failed(f"rows that are there too often or not: {[item for item in wrong.items() if item[1]][:5]}")
    listed = run(examples.leat, "dead", "ls", "--limit", "0", "--json", cwd=place, env=examples.environment)
    dead = json.loads(listed)["letters"]
    if collections.Counter(letter["reason"] for letter in dead) != reasons:
        raise Failed(f"dead letters: {collections.Counter(letter['reason'] for letter in dead)}, not {reasons}")
    if list(place.glob("out/*/.begun")):
        raise Failed("a part that was begun is left")
    plugins = sorted(plugin["file"] for plugin in receipt["plugins"])
    if plugins != sorted(str(place / f"{name}.so") for name in NAMES):
        raise Failed(f"the plugins were {plugins}")
    return f"{before} rows, killed, {len(rows) - before} rows, {len(dead)} dead"


def main(leat, build, what):
    source = pathlib.Path(__file__).resolve().parents[2] / "sdk/examples"
    if what != "mixed" and not there(what):
        missing(what)
        return SKIPPED
    with tempfile.TemporaryDirectory() as temporary:
        try:
            examples = Examples(leat, build, what)
            if what != "mixed":
                print(test_language(examples, what))
                if what == "c":
                    test_in_tree(examples, source)
                return 0
            tried = 0
            for languages in MIXES:
                if not all(map(there, languages)):
                    for language in languages:
                        there(language) or missing(language)
                    continue
                folder = pathlib.Path(temporary).resolve() / "-".join(languages)
                folder.mkdir()
                print(f"{' -> '.join(languages)}: {test_mix(examples, languages, folder)}", flush=True)
                tried += 1
            return 0 if tried else SKIPPED
        except (Failed, OSError, subprocess.TimeoutExpired) as failure:
            print(f"FAILED: {what}: {failure}")
            return 1


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[3] not in (*COMPILERS, "mixed"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]))
