"""Holds layout.py and abidiff.py to finding what they are there for: each test changes leat.h in one way."""
import concurrent.futures
import pathlib
import shutil
import tempfile
import unittest

import abidiff
import layout

HERE = pathlib.Path(__file__).parent
HEADER = (HERE.parent.parent / "sdk" / "include" / "leat" / "leat.h").read_text(encoding="utf-8")
MINOR_0 = "#define LEAT_ABI_MINOR 0 "
MINOR_1 = "#define LEAT_ABI_MINOR 1 "
# name: (what is replaced, by what, the words of layout.py, and of abidiff.py or None where it is blind)
UNLAWFUL = {
    "a field in the middle": (
        "  uint64_t rows;\n  uint64_t bytes;\n  const char* lane;", "  uint64_t rows;\n  uint64_t more;\n  uint64_t bytes;\n  const char* lane;",
        'rule "append only": leat_bucket.bytes is at offset 32, and in ABI 1.0 it was at 24; put what is new behind all else',
        'rule "append only": uint64_t more was put into leat_bucket at bit 192, before its end'),
    "two fields that change places": (
        "  uint64_t rows;\n  uint64_t bytes;\n  const char* lane;", "  uint64_t bytes;\n  uint64_t rows;\n  const char* lane;",
        'rule "append only": leat_bucket.rows is at offset 24, and in ABI 1.0 it was at 16', 'rule "nothing changes": leat_bucket: '),
    "a field that goes": (
        "  LEAT_FN(void, interrupt, (void* self));\n} leat_runner;", "} leat_runner;",
        'rule "nothing goes": field leat_runner.interrupt of ABI 1.0 is gone', 'rule "nothing changes": leat_runner: '),
    "a field with another name": (
        "  const char* lane;", "  const char* path;", 'rule "nothing goes": field leat_bucket.lane of ABI 1.0 is gone', None),
    "an entry with another parameter": (
        "(void* self, leat_ctx*, int32_t last)", "(void* self, leat_ctx*, uint32_t last)",
        'rule "types stay": leat_transform.flush is `leat_status (*)(void *, leat_ctx *, uint32_t)` of 8 bytes, and in ABI 1.0 '
        "it was `leat_status (*)(void *, leat_ctx *, int32_t)` of 8; append a new field instead",
        'rule "nothing changes": leat_transform: '),
    "a sign": ("  uint64_t max_rows;", "  int64_t max_rows;", 'rule "types stay": leat_bucket_config.max_rows is `int64_t`',
               'rule "nothing changes": leat_bucket_config: '),
    "a status that is wider": (
        "typedef int32_t leat_status;", "typedef int64_t leat_status;",
        'rule "types stay": leat_status is `int64_t`, and in ABI 1.0 it was `int32_t`', 'rule "nothing changes": '),
    "the symbol's type": (
        "LEAT_EXPORT const leat_plugin* LEAT_CALL leat_plugin_v1(void)", "LEAT_EXPORT const leat_plugin* LEAT_CALL leat_plugin_v1(int32_t minor)",
        'rule "types stay": leat_plugin_v1 is `const leat_plugin *(int32_t)`', None),
    "another value": ("LEAT_ERR_RETRY = -1, ", "LEAT_ERR_RETRY = -8, ",
                      'rule "values stay": LEAT_ERR_RETRY is -8 int, and in ABI 1.0 it was -1 int; make a new constant instead', None),
    "a flag that has moved": ("#define LEAT_BLOCKING (UINT64_C(1) << 11)", "#define LEAT_BLOCKING (UINT64_C(1) << 13)",
                              'rule "values stay": LEAT_BLOCKING is 8192 uint64, and in ABI 1.0 it was 2048 uint64', None),
    "a constant that goes": (", LEAT_STOP = 2 }", " }", 'rule "nothing goes": constant LEAT_STOP of ABI 1.0 is gone', None),
    "a macro that goes": ("#define LEAT_HAS(p, f)", "#define LEAT_HAS_IT(p, f)", 'rule "nothing goes": macro LEAT_HAS of ABI 1.0 is gone', None),
    "an extension's name": ('"leat.bucket/1"', '"leat.bucket/2"',
                            'rule "values stay": LEAT_BUCKET_1 is "leat.bucket/2", and in ABI 1.0 it was "leat.bucket/1"', None),
    "a frozen struct that grows": (
        "  uint64_t size;\n} leat_bytes;", "  uint64_t size;\n  uint64_t capacity;\n} leat_bytes;",
        'rule "frozen structs": leat_bytes.capacity is new, but leat_bytes never changes', 'rule "frozen structs": leat_bytes has changed'),
    "Arrow's struct": ("  struct ArrowSchema* dictionary;\n", "  struct ArrowArray* dictionary;\n",
                       'rule "types stay": ArrowSchema.dictionary is `ArrowArray *`', 'rule "frozen structs": ArrowSchema has changed'),
    "an append of half a word": ("} leat_items;", "  uint32_t more;\n} leat_items;",
                                 'rule "no padding": leat_items ends with 4 bytes that no field has; fill them with a reserved word', None),
    "a hole": ("} leat_items;", "  uint32_t more;\n  uint64_t most;\n} leat_items;",
               'rule "no padding": there is a hole of 4 bytes before leat_items.most; fill it with a reserved word', None),
    "a sized struct by value": ("} leat_items;", "  leat_bucket_config limits;\n} leat_items;",
                                'rule "by pointer only": leat_items.limits holds a leat_bucket_config by value', None),
    "a sized struct as an argument": ("} leat_hooks;", "  LEAT_FN(void, more, (void*, leat_bucket_config limits));\n} leat_hooks;",
                                      'rule "by pointer only": leat_hooks.more passes a leat_bucket_config by value', None),
    "an array": ("} leat_items;", "  uint64_t more[2];\n} leat_items;", 'rule "no arrays": leat_items.more is an array', None),
    "a type that languages disagree on": (
        "} leat_items;", "  unsigned long more;\n} leat_items;",
        'rule "plain types": leat_items.more uses long, unsigned; use int32_t', None),
    "a bit-field": ("} leat_items;", "  uint64_t more : 3;\n} leat_items;", 'RULE "plain types": leat_items.more is a bit-field', None),
    "a new struct that cannot grow": (
        "/* One library.  Since 1.0", "typedef struct leat_more { uint64_t a; } leat_more;\n/* One library.  Since 1.0",
        'rule "new structs are sized": leat_more does not begin with `uint32_t struct_size`', None),
    "an append without a new version": (
        "} leat_hooks;", "  LEAT_FN(void, more, (void* self));\n} leat_hooks;",
        'rule "additions take a new minor version": field leat_hooks.more is not in ABI 1.0, which is released; '
        "define LEAT_ABI_MINOR as 1, and say Since 1.1", None),
    "a flag without a new version": (
        "#define LEAT_BUCKET_1", "#define LEAT_MORE (UINT64_C(1) << 20)\n#define LEAT_BUCKET_1",
        'rule "additions take a new minor version": constant LEAT_MORE is not in ABI 1.0', None),
    "a version that is left out": (MINOR_0, "#define LEAT_ABI_MINOR 2 ",
                                   'rule "one version, one table": LEAT_ABI_MINOR is 2; after ABI 1.0 comes 1.1', None),
}
LAWFUL = {
    "nothing but a comment": ("/* One library.  Since 1.0", "/* One library, whole.  Since 1.0"),
}
# Lawful with the next minor version, so that layout.py asks for it to be kept.
NEXT = {
    "an entry at the end": ("} leat_hooks;", "  LEAT_FN(void, more, (void* self));\n} leat_hooks;"),
    "words at the end": ("} leat_batch;", "  uint32_t more;\n  uint32_t reserved;\n} leat_batch;"),
    "a flag": ("#define LEAT_BUCKET_1", "#define LEAT_MORE (UINT64_C(1) << 20)\n#define LEAT_BUCKET_1"),
    "a sized struct": ("/* One library.  Since 1.0", "typedef struct leat_more { uint32_t struct_size; uint32_t reserved; } "
                       "leat_more;\n/* One library.  Since 1.0"),
}


def check_layout(include, released):
    return layout.answer(["check", include, released])


def compare(include, released):
    return abidiff.answer(include, released)


class Changed(unittest.TestCase):
    maxDiff = None

    def ask(self, tool, *replaced):
        with tempfile.TemporaryDirectory() as folder:
            text = HEADER
            for old, new in replaced:
                self.assertEqual(text.count(old), 1, f"leat.h has no longer one {old!r}: change this test")
                text = text.replace(old, new)
            header = pathlib.Path(folder, "leat", "leat.h")
            header.parent.mkdir()
            header.write_text(text, encoding="utf-8")
            return tool(folder, HERE / "released")

    def each(self, cases, check):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, answers in zip(cases, pool.map(check, cases.values())):
                with self.subTest(name):
                    for wanted, (code, text) in answers:
                        self.assertEqual(code, 0 if wanted is None else 1, text)
                        self.assertIn(wanted or (", 0 faults" if "compared" in text else "all lawful"), text)

    def test_an_unlawful_change_fails_with_its_rule(self):
        def check(case):
            old, new, by_table, by_abidiff = case
            yield by_table, self.ask(check_layout, (old, new))
            if by_abidiff:
                yield by_abidiff, self.ask(compare, (old, new))
        self.each(UNLAWFUL, lambda case: list(check(case)))

    def test_what_changes_no_table_is_lawful(self):
        self.each(LAWFUL, lambda case: [(None, self.ask(check_layout, case)), (None, self.ask(compare, case))])

    def test_what_is_appended_with_a_new_minor_version_is_lawful(self):
        minor = (MINOR_0, MINOR_1)
        self.each(NEXT, lambda case: [
            ("lawful, but ABI 1.1 is not kept yet", self.ask(check_layout, case, minor)),
            (None, self.ask(compare, case, minor))])

    def test_a_new_version_is_kept_and_holds_what_comes_after_it(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(HERE / "released", f"{folder}/released")
            header = pathlib.Path(folder, "leat", "leat.h")
            header.parent.mkdir()
            text = HEADER.replace(MINOR_0, MINOR_1).replace(*NEXT["an entry at the end"])

            def ask(verb, text):
                header.write_text(text, encoding="utf-8")
                return layout.answer([verb, folder, f"{folder}/released"])
            self.assertEqual(ask("keep", text)[0], 0)
            code, said = ask("check", text)
            self.assertEqual((code, said.endswith("all lawful")), (0, True), said)
            code, said = ask("check", text.replace("void, more, (void* self)", "void, more, (void)"))
            self.assertEqual(code, 1)
            self.assertIn('rule "types stay": leat_hooks.more is `void (*)(void)` of 8 bytes, and in ABI 1.1 it was', said)
            # The new version gone again: a host must not go back.
            code, said = ask("check", HEADER)
            self.assertEqual(code, 1)
            self.assertIn('rule "one version, one table": LEAT_ABI_MINOR is 0, but ABI 1.1 is released', said)

    def test_a_kept_header_that_was_edited_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(HERE / "released", f"{folder}/released")
            kept = pathlib.Path(folder, "released", "1.0", "leat", "leat.h")
            kept.write_text(kept.read_text(encoding="utf-8").replace("LEAT_IDLE = 2,", "LEAT_IDLE = 3,"), encoding="utf-8")
            code, said = check_layout(HERE.parent.parent / "sdk" / "include", f"{folder}/released")
            self.assertEqual(code, 1)
            self.assertIn('rule "releases stay"', said)


if __name__ == "__main__":
    unittest.main()
