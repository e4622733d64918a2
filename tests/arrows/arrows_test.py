"""Holds arrows.py to finding what it is there for: each test is a small host with one fault."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("arrows.py")
ARROWS = """
function(leat_module name)
endfunction()
leat_module(base LIBRARIES leat_boost)
leat_module(config NEEDS base LIBRARIES yaml-cpp::yaml-cpp)
leat_module(plugin NEEDS base config)
leat_module(runtime NEEDS base plugin)
"""


class Arrows(unittest.TestCase):
    def check(self, files, arrows=ARROWS):
        """Exit code and faults of a host with these files: {path from host/ on: text}."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in {"CMakeLists.txt": arrows, **files}.items():
                file = pathlib.Path(root, "host", path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()[:-1]

    def test_includes_along_the_arrows_pass(self):
        code, faults = self.check({
            "main.cpp": '#include "runtime/manager.hpp"\n',
            "base/error.cpp": '#include "base/error.hpp"\n#include <vector>\n#include <boost/json/value.hpp>\n',
            "plugin/abi.hpp": "#include <leat/leat.h>\n",
            "runtime/bucket.cpp": '#include "runtime/bucket.hpp"\n#include "base/batch.hpp"\n#include "plugin/abi.hpp"\n',
        })
        self.assertEqual((code, faults), (0, []))

    def test_an_include_against_the_arrows_is_named_with_its_place(self):
        code, faults = self.check({"config/x.cpp": '#include "config/x.hpp"\n\n#include "runtime/bucket.hpp"\n'})
        self.assertEqual((code, faults), (1, ["host/config/x.cpp:3: config -> runtime is not an arrow"]))

    def test_what_stands_for_a_file_on_another_system_follows_the_same_arrows(self):
        code, faults = self.check({
            "windows/main.cpp": '#include "runtime/manager.hpp"\n',
            "windows/plugin/x.cpp": '#include "config/x.hpp"\n',
            "windows/config/x.cpp": '#include "runtime/bucket.hpp"\n',
        })
        self.assertEqual((code, faults), (1, ["host/windows/config/x.cpp:1: config -> runtime is not an arrow"]))

    def test_an_arrow_through_another_module_is_no_arrow(self):
        code, faults = self.check({"runtime/x.cpp": '#include "config/load.hpp"\n'})
        self.assertEqual((code, faults), (1, ["host/runtime/x.cpp:1: runtime -> config is not an arrow"]))

    def test_angle_brackets_hide_nothing(self):
        code, faults = self.check({"base/x.hpp": "#  include <runtime/bucket.hpp>\n"})
        self.assertEqual((code, faults), (1, ["host/base/x.hpp:1: base -> runtime is not an arrow"]))

    def test_base_includes_nothing_but_itself(self):
        code, faults = self.check({"base/x.cpp": '#include "config/load.hpp"\n#include "main.hpp"\n'})
        self.assertEqual(code, 1)
        self.assertEqual(faults, [
            "host/base/x.cpp:1: base -> config is not an arrow",
            'host/base/x.cpp:2: "main.hpp" names no module: write it from host/ on, as in "runtime/bucket.hpp"'])

    def test_leat_h_is_read_by_plugin_alone(self):
        code, faults = self.check({"runtime/x.cpp": "#include <leat/leat.h>\n",
                                   "base/y.cpp": '#include "leat/leat.hpp"\n',
                                   "main.cpp": "#include <leat/leat.h>\n"})
        self.assertEqual(code, 1)
        self.assertEqual(faults, [
            "host/base/y.cpp:1: leat/leat.hpp is read by host/plugin alone; include what that offers",
            "host/main.cpp:1: leat/leat.h is read by host/plugin alone; include what that offers",
            "host/runtime/x.cpp:1: leat/leat.h is read by host/plugin alone; include what that offers"])

    def test_a_way_around_through_the_parent_folder_is_found(self):
        code, faults = self.check({"base/x.cpp": '#include "../runtime/bucket.hpp"\n',
                                   "plugin/y.cpp": '#include "base/../runtime/bucket.hpp"\n'})
        self.assertEqual(code, 1)
        self.assertIn("host/base/x.cpp:1: ", faults[0])
        self.assertIn("host/plugin/y.cpp:1: ", faults[1])

    def test_a_folder_that_is_not_declared_is_named(self):
        code, faults = self.check({"isolate/child.cpp": '#include "runtime/bucket.hpp"\n'})
        self.assertEqual((code, faults), (1, [
            "host/isolate is not declared: add leat_module(isolate NEEDS ...) to host/CMakeLists.txt"]))

    def test_an_arrow_upwards_is_refused(self):
        code, faults = self.check({"base/x.cpp": ""}, "leat_module(base NEEDS config)\nleat_module(config NEEDS base)\n")
        self.assertEqual((code, faults), (1, [
            "host/CMakeLists.txt: base -> config: config must be declared above base"]))

    def test_a_host_without_sources_is_no_success(self):
        code, _ = self.check({})
        self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
