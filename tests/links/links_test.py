"""Holds links.py to finding what it is there for: each test is a small tree with one fault."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("links.py")
TESTS = """BOOST_AUTO_TEST_CASE(holds) {}
BOOST_FIXTURE_TEST_CASE(holds_too, Fixture) {}
BOOST_DATA_TEST_CASE_F(Fixture, holds_for_each, data, one) {}
    {"replays", Step::keeps_promises, "the rule",
"""


class Links(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = pathlib.Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()[:-1]

    def test_links_that_lead_somewhere_pass(self):
        self.assertEqual(self.check({
            "README.md": "# A\n[b](b/README.md) [`c`](b/c.cpp) [up](b) [x](b/README.md#two-words-x)\n![p](b/c.cpp) <a href=\"b\">\n"
                         "[site](https://example.org/nothing) [mail](mailto:a@example.org) [here](#a)\n",
            "b/README.md": "# B\n## Two words: `x`\n## B\n[again](#b-1) [back](../README.md)\n", "b/c.cpp": ""}), (0, []))

    def test_a_file_that_is_not_there_is_named_with_its_place(self):
        self.assertEqual(self.check({"README.md": "# A\n\nsee [b](b.md) and\n[c](README.md)\n"}),
                         (1, ["README.md:3: b.md: is not there"]))

    def test_all_kinds_of_links_are_looked_at(self):
        self.assertEqual(self.check({"README.md": "![b](b.svg)\n[c]: c.md\n<img src=\"d.svg\">\n[`e`](e.md)\n"})[1],
                         ["README.md:1: b.svg: is not there", "README.md:2: c.md: is not there",
                          "README.md:3: d.svg: is not there", "README.md:4: e.md: is not there"])

    def test_a_heading_that_is_not_there_is_named(self):
        self.assertEqual(self.check({"README.md": "# A\n[a](#b) [b](b.md#c)\n", "b.md": "# B\n```\n# C\n```\n"}),
                         (1, ["README.md:2: #b: README.md has no heading for #b",
                              "README.md:2: b.md#c: b.md has no heading for #c"]))

    def test_code_has_no_links(self):
        self.assertEqual(self.check({"README.md": "`[b](b.md)`\n```c\nf[i](x);\n```\n"}), (0, []))

    def test_a_link_out_of_the_tree_is_named(self):
        code, faults = self.check({"README.md": "[etc](../../../../../../etc)\n"})
        self.assertEqual((code, faults), (1, ["README.md:1: ../../../../../../etc: is outside the tree"]))

    def contract(self, *lines):
        rows = "".join(f"| H | promise | {line} |\n" for line in ("[holds](../tests/a_test.cpp)",) * 50 + lines)
        return self.check({"sdk/CONTRACT.md": "| | promise | held by |\n|---|---|---|\n" + rows, "tests/a_test.cpp": TESTS,
                           "tests/CMakeLists.txt": "add_test(NAME abi_headers COMMAND x)\n",
                           "tests/b.py": "    def test_this(self):\n"})

    def test_the_tests_of_the_contract_are_found(self):
        self.assertEqual(self.contract("[holds_too](../tests/a_test.cpp), [holds_for_each](../tests/a_test.cpp), [replays](../tests/a_test.cpp)",
                                       "[abi_headers](../tests/CMakeLists.txt), [test_this](../tests/b.py)"), (0, []))

    def test_a_test_of_the_contract_that_is_not_there_is_named(self):
        self.assertEqual(self.contract("[hold](../tests/a_test.cpp), [holds](../tests/a_test.cpp)",
                                       "[abi_header](../tests/CMakeLists.txt)", "[replay](../tests/a_test.cpp)"),
                         (1, ['sdk/CONTRACT.md:53: ../tests/a_test.cpp: has no test "hold"',
                              'sdk/CONTRACT.md:54: ../tests/CMakeLists.txt: has no test "abi_header"',
                              'sdk/CONTRACT.md:55: ../tests/a_test.cpp: has no test "replay"']))

    def test_a_promise_without_a_test_is_named(self):
        self.assertEqual(self.contract("nobody"), (1, ["sdk/CONTRACT.md:53: names no test"]))

    def test_a_tree_without_markdown_is_no_success(self):
        self.assertEqual(self.check({"a.cpp": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
