"""old_new.py LEAT PLUGINS RELEASED: runs pipelines of plugins that were built against other versions of leat.h.

PLUGINS/NAME/NAME.so were compiled now, from plugins/every_kind.c: against each released header, today's, and the next
minor version. RELEASED/1.N/MACHINE/kept.so are binaries of the day of the release. All must do the same in this host.
"""
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

LEAT, PLUGINS, RELEASED = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
MINOR = int(re.search(r"^#define LEAT_ABI_MINOR (\d+)",
                      (pathlib.Path(__file__).parents[2] / "sdk/include/leat/leat.h").read_text(encoding="utf-8"),
                      re.M).group(1))
CONFIG = """
version: 1
plugins: {{ directories: [plugins] }}
pipelines:
  rows:
    extract: {{ {id}.count: {{ count: 1000 }} }}
    transform: [{id}.behead]
    load: {{ {id}.collect: {{ path: rows.txt }} }}
    bucket: {{ rows: 300 }}
  whole:
    run: {{ {id}.whole: {{ count: 1000, path: whole.txt }} }}
  items:
    run: {{ {id}.items: {{ count: 1000, path: items.txt }} }}
"""
WANTED = {
    "rows": (1000, 990, 0, 10, [n for n in range(1000) if n % 100]),
    "whole": (1000, 1000, 0, 0, list(range(1000))),
    "items": (1000, 500, 500, 0, list(range(0, 1000, 2))),
}


class OldAndNew(unittest.TestCase):
    def leat(self, folder, *arguments):
        return subprocess.run([LEAT, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)

    def check_runs(self, library, plugin_id):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "plugins").mkdir()
            shutil.copy(library, pathlib.Path(folder, "plugins"))
            pathlib.Path(folder, "run.yaml").write_text(CONFIG.format(id=plugin_id), encoding="utf-8")
            done = self.leat(folder, "run", "--log-format", "text", "--json", "run.yaml")
            self.assertEqual(done.returncode, 0, done.stderr)
            receipt = json.loads(done.stdout.splitlines()[-1])
            self.assertTrue(receipt["balanced"])
            seen = {one["name"]: (one["read"], one["delivered"], one["filtered"], one["dead"],
                                  [int(line) for line in pathlib.Path(folder, one["name"] + ".txt").read_text().split()])
                    for one in receipt["pipelines"]}
            self.assertEqual(seen, WANTED)
            # Every component has come to its create, and has seen this host's version there.
            for component in ("count", "behead", "collect", "whole", "items"):
                self.assertRegex(done.stderr, rf"sees a host minor={MINOR} .*component={plugin_id}\.{component}")

    def test_plugins_built_against_each_header_run(self):
        built = sorted(PLUGINS.glob("*/*.so"))
        names = {library.stem for library in built}
        self.assertLessEqual({"today", "next", "needs-next"} | {f"released-{v.name}" for v in RELEASED.glob("1.*")}, names)
        for library in built:
            if library.stem not in ("needs-next", "careless"):
                with self.subTest(library.stem):
                    self.check_runs(library, library.stem)

    @unittest.skipUnless(platform.machine() == "x86_64", f"binaries are kept for x86_64, and this is {platform.machine()}")
    def test_binaries_kept_from_each_release_run(self):
        kept = sorted(RELEASED.glob("1.*/x86_64/kept.so"))
        self.assertEqual(len(kept), len(list(RELEASED.glob("1.*"))), "a release without a binary: see README.md")
        for library in kept:
            with self.subTest(library.parent.parent.name):
                self.check_runs(library, "kept")

    def test_a_plugin_that_needs_the_next_version_is_refused_with_both_versions(self):
        done = self.leat(".", "plugin", "check", PLUGINS / "needs-next" / "needs-next.so")
        self.assertEqual(done.returncode, 4)
        self.assertIn(f"needs plugin ABI 1.{MINOR + 1}; this host has 1.{MINOR}: install a newer Leat", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
