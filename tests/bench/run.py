#!/usr/bin/env python3
"""Measures Leat beside its peers, in turn and in one run, and prints the table of README.md.

run.py [--build DIR] [--rows N] [--runs N] [--only NAME]... [--work DIR]

Every figure is of a whole process: wall and processor seconds and peak memory as the system accounts them when the
process is reaped. Of each case the first round is not counted; quoted are medians, and the ratio to a peer is the
median of the ratios of each round. Peers that are not installed are left out, and the table says so."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # of the import below: the tree stays as it is
import throughput_plot

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = ["csv_to_ndjson", "csv_to_sqlite", "exactly_once", "overhead", "engine", "items", "start"]


class Measured:
    def __init__(self, wall, cpu, peak_kib):
        self.wall, self.cpu, self.peak_kib = wall, cpu, peak_kib


def measure(command, directory, expect=0):
    """Runs a command to its end. Its output is thrown away; another exit code than `expect` ends the benchmark."""
    with open(directory / "log", "w+b") as log:
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != expect:
            log.seek(0)
            sys.exit(f"{command} ended with {child.returncode}:\n{log.read().decode(errors='replace')}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def receipt(leat, file, directory):
    """The receipt of one more run, and its wall seconds."""
    began = time.monotonic()
    out = subprocess.run([leat, "run", "--fresh", "--json", file], cwd=directory, capture_output=True, text=True, check=True).stdout
    wall = time.monotonic() - began
    return json.loads(out.strip().splitlines()[-1])["pipelines"][0], wall


def in_turn(contestants, runs, directory):
    """contestants: {name: (prepare, command)}; the rounds A B C, A B C..., without the first."""
    out = {name: [] for name in contestants}
    for round_number in range(runs + 1):
        for name, (prepare, command) in contestants.items():
            prepare()
            one = measure(command, directory)
            if round_number > 0:
                out[name].append(one)
    return out


def median(values):
    return statistics.median(values)


class Table:
    def __init__(self, title, rows_of_input):
        self.rows_of_input = rows_of_input
        print(f"\n### {title}\n\n| program | wall s | rows/s | processor s | peak MiB | Leat is |\n|---|---|---|---|---|---|", flush=True)

    def add(self, name, measured, ours):
        wall = median(m.wall for m in measured)
        ratio = "" if measured is ours else f"{median(p.wall / o.wall for p, o in zip(measured, ours)):.2f} times as fast"
        print(f"| {name} | {wall:.2f} | {self.rows_of_input / wall / 1e6:.2f} M | {median(m.cpu for m in measured):.2f} "
              f"| {max(m.peak_kib for m in measured) / 1024:.0f} | {ratio} |", flush=True)


def lines_of(file):
    with open(file, "rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))


def remove(*files):
    def prepare():
        for file in files:
            for name in (file, Path(str(file) + ".leat")):
                if name.exists():
                    name.unlink()
    return prepare


class Bench:
    def __init__(self, arguments):
        self.leat = str((arguments.build / "bin" / "leat").resolve())
        self.parts = (arguments.build / "bench").resolve()
        self.work, self.rows, self.runs = arguments.work, arguments.rows, arguments.runs
        self.work.mkdir(parents=True, exist_ok=True)

    def csv(self, rows):
        file = self.work / f"mixed-{rows}.csv"
        if not file.exists():
            with open(file, "wb") as out:
                subprocess.run([sys.executable, HERE / "make_rows.py", str(rows)], stdout=out, check=True)
        return file

    def yaml(self, name, text):
        (self.work / name).write_text("version: 1\npipelines:\n  bench:\n" + text)
        return name

    def duckdb(self):
        node = shutil.which("node")
        modules = self.work / "node_modules" / "@duckdb" / "node-api"
        if not node or not modules.exists():
            print("\nDuckDB is left out: `bash packaging/deps.sh --bench` brings it.")
            return None
        shutil.copy(HERE / "duckdb.mjs", self.work / "duckdb.mjs")
        return node

    def csv_to_ndjson(self):
        source = self.csv(self.rows)
        out = self.work / "leat.ndjson"
        config = self.yaml("csv_to_ndjson.yaml", f"""    extract: {{ csv: {{ path: {source.name} }} }}
    load: {{ ndjson: {{ path: leat.ndjson, mode: replace }} }}
""")
        contestants = {"Leat": (remove(out), [self.leat, "run", "--fresh", config])}
        if node := self.duckdb():
            other = self.work / "duckdb.ndjson"
            sql = f"COPY (SELECT * FROM read_csv('{source.name}', header = true)) TO '{other.name}' (FORMAT json)"
            contestants["DuckDB 1.4, one thread"] = (remove(other), [node, "duckdb.mjs", "1", sql])
        if shutil.which("mlr"):
            contestants["Miller 6"] = (remove(), ["sh", "-c", f"mlr --icsv --ojsonl cat {source.name} > miller.ndjson"])
        measured = in_turn(contestants, self.runs, self.work)
        assert lines_of(out) == self.rows, "rows are missing"
        table = Table(f"csv to ndjson, {self.rows:,} mixed rows of 7 columns", self.rows)
        for name, figures in measured.items():
            table.add(name, figures, measured["Leat"])
        large = self.csv(10 * self.rows)
        config = self.yaml("csv_to_ndjson_10.yaml", f"""    extract: {{ csv: {{ path: {large.name} }} }}
    load: {{ ndjson: {{ path: leat.ndjson, mode: replace }} }}
""")
        remove(out)()
        figures = [measure([self.leat, "run", "--fresh", config], self.work)]
        assert lines_of(out) == 10 * self.rows, "rows are missing"
        table.rows_of_input = 10 * self.rows
        table.add(f"Leat, {10 * self.rows:,} rows", figures, figures)
        out.unlink()

    def csv_to_sqlite(self):
        source = self.csv(self.rows)
        ddl = "CREATE TABLE t(id INTEGER, name TEXT, city TEXT, amount REAL, at TEXT, active INTEGER, doc TEXT)"
        ours, theirs = self.work / "leat.db", self.work / "import.db"

        def fresh(file):
            def prepare():
                for name in self.work.glob(file.name + "*"):
                    name.unlink()
                subprocess.run(["sqlite3", file, ddl], check=True)
            return prepare
        config = self.yaml("csv_to_sqlite.yaml", f"""    extract: {{ csv: {{ path: {source.name} }} }}
    load: {{ sqlite: {{ path: {ours.name}, table: t }} }}
""")
        measured = in_turn({
            "Leat": (fresh(ours), [self.leat, "run", "--fresh", config]),
            "sqlite3 .import": (fresh(theirs), ["sqlite3", theirs.name, f".import --csv --skip 1 {source.name} t"]),
        }, self.runs, self.work)
        for file in (ours, theirs):
            count = subprocess.run(["sqlite3", file, "SELECT count(*) FROM t"], capture_output=True, text=True, check=True)
            assert int(count.stdout) == self.rows, "rows are missing"
        table = Table(f"csv to a typed table in sqlite, {self.rows:,} mixed rows", self.rows)
        for name, figures in measured.items():
            table.add(name, figures, measured["Leat"])

    def exactly_once(self):
        """What the promise costs: the same run with checkpoints and tokens, and without."""
        source = self.csv(self.rows)
        config = self.yaml("exactly_once.yaml", f"""    extract: {{ csv: {{ path: {source.name} }} }}
    load: {{ sqlite: {{ path: exactly_once.db, table: t }} }}
    bucket: {{ rows: 10000 }}
""")

        def prepare():
            for name in self.work.glob("exactly_once.db*"):
                name.unlink()
            shutil.rmtree(self.work / ".leat", ignore_errors=True)
        measured = in_turn({
            "exactly once": (prepare, [self.leat, "run", config]),
            "--no-state, at least once": (prepare, [self.leat, "run", "--no-state", config]),
        }, self.runs, self.work)
        table = Table(f"csv to sqlite, {self.rows:,} mixed rows, 10,000 in a bucket", self.rows)
        for name, figures in measured.items():
            table.add(name, figures, measured["exactly once"])

    def overhead(self):
        print("\n### Host overhead: generate, identity, null\n\n"
              "| rows in a batch | batches | us per batch and stage, all in all | of that outside of plugins |\n|---|---|---|---|")
        for batch in (1, 10, 100, 1000, 10000):
            batches = 1_000_000 if batch <= 100 else 100_000
            config = self.yaml("overhead.yaml", f"""    extract: {{ generate: {{ rows: {batch * batches}, batch: {batch} }} }}
    transform: [{{ identity: {{}} }}]
    load: {{ "null": {{}} }}
""")
            whole, outside = [], []
            for _ in range(self.runs):
                one, _ = receipt(self.leat, config, self.work)
                assert one["delivered"] == batch * batches, "rows are missing"
                inside = sum(stage["seconds"] for stage in one["stages"])
                whole.append(one["seconds"] / batches / 3 * 1e6)
                outside.append((one["seconds"] - inside) / batches / 3 * 1e6)
            print(f"| {batch:,} | {batches:,} | {median(whole):.3f} | {median(outside):.3f} |", flush=True)

    def items(self):
        print("\n### Opaque items one by one, batch 1000\n\n| case | workers | items | items/s |\n|---|---|---|---|")
        for case, count in (("bucket", 20_000_000), ("identity", 20_000_000), ("text", 10_000_000), ("payload", 3_000_000)):
            for workers in (1, 2):
                (self.work / "items.yaml").write_text(f"""version: 1
plugins: {{ directories: [{self.parts}] }}
bucket: {{ rows: 1000, workers: {workers} }}
pipelines:
  bench:
    run: {{ items.{case}: {{ count: {count} }} }}
""")
                rates = []
                for _ in range(self.runs):
                    one, _ = receipt(self.leat, "items.yaml", self.work)
                    assert one["delivered"] == count, "items are missing"
                    rates.append(count / one["seconds"])
                print(f"| {case} | {workers} | {count:,} | {median(rates) / 1e6:.1f} M |", flush=True)

    def engine(self):
        """Prints what the engine prints, and draws its throughput."""
        tables, table = {}, None
        with subprocess.Popen([self.parts / "engine", str(self.runs)], stdout=subprocess.PIPE, text=True) as engine:
            for line in engine.stdout:
                print(line, end="", flush=True)
                cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
                if not line.startswith("|"):
                    table = None
                elif table is None:
                    table = tables.setdefault(cells[0], [])
                elif not cells[0].startswith("---"):
                    table.append(cells)
        if engine.returncode != 0:
            sys.exit(f"the engine ended with {engine.returncode}")

        def rates(title):
            """{how many: M rows/s}; the last cell is "95.5 M"."""
            return {int(cells[0]): float(cells[-1].split()[0]) for cells in tables[title]}
        (HERE / "throughput.svg").write_text(throughput_plot.draw(
            rates("pipelines at once, batch 1,000"), rates("workers of a sink that computes 1 us for a row, batch 1,000"),
            len(os.sched_getaffinity(0))))

    def start(self):
        plugins = self.work / "plugins"
        plugins.mkdir(exist_ok=True)
        ours = len(list((Path(self.leat).parent.parent / "lib/leat/plugins").glob("*.so")))
        for i in range(20 - ours):
            source = plugins / f"filler{i}.c"
            source.write_text((HERE / "filler.c").read_text().replace("NUMBER", str(i)))
            subprocess.run(["gcc", "-shared", "-fPIC", "-O1", f"-I{ROOT}/sdk/include", source, "-o", plugins / f"filler{i}.so"],
                           check=True)
        (self.work / "empty.yaml").write_text("version: 1\nplugins: { directories: [plugins] }\npipelines:\n  bench:\n"
                                              "    extract: { generate: { rows: 0 } }\n    load: { \"null\": {} }\n")
        figures = [measure([self.leat, "run", "--fresh", "empty.yaml"], self.work) for _ in range(4 * self.runs)]
        print("\n### Start and end of an empty pipeline, 20 plugins in the directories\n")
        print(f"{1000 * median(m.wall for m in figures):.0f} ms wall (least {1000 * min(m.wall for m in figures):.0f}), "
              f"{1000 * median(m.cpu for m in figures):.0f} ms processor", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", choices=CASES)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    for name in arguments.only or CASES:
        getattr(bench, name)()


main()
