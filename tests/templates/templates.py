"""templates.py LEAT LANGUAGE PLUGINS BUILT: makes a plugin of every kind by `leat plugin new`, builds, tests and runs it.

PLUGINS is the directory of Leat's own plugins. The tests of a kind are the same in every language, and slow to compile:
they are kept in the directory BUILT. Exits 77 when the language's compiler is not there: a test that is skipped.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
COMPILERS = {"c": "cc", "cpp": "g++", "rust": "rustc", "go": "go"}
STRICT = {
    "CFLAGS": "-O1 -Wall -Wextra -Wshadow -pedantic -Werror",
    "CXXFLAGS": "-O0 -Wall -Wextra -Wshadow -pedantic -Werror",
    "RUSTFLAGS": "-D warnings",
}
# What a run of NAME.yaml prints or writes.
ROWS = {
    "source": '{"n":0}\n{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n',
    "transform": '{"id":8}\n{"id":9}\n{"id":10}\n',
    "sink": "1\n2\n3\n",
    "runner": "did a step step=1\ndid a step step=2\ndid a step step=3\n",
    "pipeline": "added up sum=10\n",
}


class Failed(Exception):
    pass


class Folder:
    def __init__(self, leat, plugins, built, place, language, kind):
        self.leat, self.language, self.kind = leat, language, kind
        self.name = f"my-{kind}-1"
        self.place = place
        self.path = place / self.name
        # Nothing of Leat's is found but the program and its plugins: no SDK that happens to be installed.
        changes = ("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RUSTFLAGS", "GOFLAGS", "PKG_CONFIG_PATH", "MAKEFLAGS")
        self.environment = {key: value for key, value in os.environ.items() if key not in changes}
        self.environment["LEAT"] = leat
        self.plugins, self.built = plugins, built

    def run(self, *command, where=None, strict=False):
        environment = dict(self.environment, **(STRICT if strict else {}))
        done = subprocess.run(command, cwd=where or self.path, env=environment, capture_output=True, text=True,
                              timeout=240)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def make(self):
        said = self.run(self.leat, "plugin", "new", self.name, "--lang", self.language, "--kind", self.kind,
                        where=self.place).stdout
        files = sorted(str(path.relative_to(self.place)) for path in self.path.rglob("*") if path.is_file())
        listed = sorted(re.findall(r"^  (my-\S+)$", said, re.MULTILINE))
        if files != listed:
            raise Failed(f"it says that it made {listed}, and made {files}")
        for path in self.path.rglob("*"):
            if path.is_dir() or "include" in path.parts:
                continue
            if re.search(r"@[a-z]+@", path.read_text(encoding="utf-8")):
                raise Failed(f"{path.name} has a word that was not replaced")

    def build(self):
        library = self.path / f"{self.name}.so"
        if self.kind == "source":  # the command is the same for all kinds
            readme = (self.path / "README.md").read_text(encoding="utf-8")
            plain = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)[-1]
            self.run("sh", "-ec", plain)
            if not library.exists():
                raise Failed(f"{plain} made no {library.name}")
            library.unlink()
        self.run("make", strict=True)
        passed = self.run_own_test()
        if not passed.stdout.endswith("passed\n"):
            raise Failed(f"its own test said: {passed.stdout}")

    def run_own_test(self):
        test = self.path / "test" / f"{self.name}_test"
        source = next(path for path in (test.with_suffix(".c"), test.with_suffix(".cpp")) if path.exists())
        texts = [source, *sorted((self.path / "include/leat").iterdir())]
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in texts)).hexdigest()
        of_kind = f"{source.suffix[1:]}-{self.kind}"
        kept = self.built / f"{of_kind}-{digest[:16]}"
        if kept.exists():
            if source.suffix == ".c":
                (test.parent / "testing.o").touch()
            shutil.copy(kept, test)
        passed = self.run("make", "test")
        if not kept.exists():
            for outdated in self.built.glob(f"{of_kind}-*"):
                outdated.unlink(missing_ok=True)
            new = self.built / f"{self.language}-{kept.name}"
            shutil.copy(test, new)
            os.replace(new, kept)
        return passed

    def check(self):
        said = self.run("make", "check").stdout
        if "\na host takes it\n" not in said:
            raise Failed(f"leat plugin check says: {said}")
        said = self.run("make", "conformance").stdout
        if not re.search(r"^\d+ ok, 0 failed", said, re.MULTILINE):
            raise Failed(f"leat plugin test says: {said}")
        return re.findall(r"^\d+ ok.*", said, re.MULTILINE)[0]

    def run_pipeline(self):
        done = self.run(self.leat, "--plugins", self.plugins, "run", "--log-format", "text", f"{self.name}.yaml")
        if self.kind == "sink":
            rows = (self.path / "out.txt").read_text(encoding="utf-8")
        elif self.kind in ("runner", "pipeline"):
            rows = "".join(f"{line}\n" for line in re.findall(r"(?:did a|added) \S+ \S+=\d+", done.stderr))
        else:
            rows = "".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith("{"))
        if rows != ROWS[self.kind]:
            raise Failed(f"leat run gave {rows!r}, not {ROWS[self.kind]!r}\n{done.stdout}{done.stderr}")

    def package(self):
        self.run("make", "package")
        self.run("make", "clean")
        left = [path.name for path in self.path.rglob("*")
                if path.suffix in (".so", ".gz", ".o") or path.name.endswith("_test")]
        if left:
            raise Failed(f"make clean leaves {left}")

    def go_through(self):
        try:
            self.make()
            self.build()
            tried = self.check()
            self.run_pipeline()
            self.package()
        except (Failed, OSError, subprocess.TimeoutExpired) as failure:
            return False, f"FAILED: {self.language} {self.kind}: {failure}"
        return True, f"{self.language} {self.kind}: {tried}"


def main(leat, language, plugins, built):
    if not shutil.which(COMPILERS[language]):
        print(f"skipped: {COMPILERS[language]} is not there; packaging/deps.sh installs it")
        return SKIPPED
    failed = False
    built.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folders = [Folder(leat, plugins, built, pathlib.Path(place), language, kind) for kind in ROWS]
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            for passed, text in pool.map(Folder.go_through, folders):
                print(text, flush=True)
                failed = failed or not passed
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[2] not in COMPILERS:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])))
