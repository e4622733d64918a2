"""packaging_test.py SOURCE LEAT: what can be known of packages without making them."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

source, leat = pathlib.Path(sys.argv[1]), str(pathlib.Path(sys.argv[2]).resolve())
packaging = source / "packaging"
made = tempfile.TemporaryDirectory(prefix="leat-packaging-")
out = pathlib.Path(made.name)


def said(*command, code=0, **options):
    """Both outputs of a command, which has to end with `code`."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options)
    if done.returncode != code:
        raise AssertionError(f"{command}: exit code {done.returncode}, not {code}\n{done.stdout}")
    return done.stdout


def of_help(path=()):
    """Yields (path, options) of all verbs: read from the help in a way that shares nothing with from_help.py."""
    text = said(leat, *path, "--help")
    # The lists end where the footer begins, behind two empty lines.
    lists = text.split("\n\n\n")[0]
    options = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "\n".join(re.findall(r"^  ?(-\S+)", lists, re.M)))))
    yield path, options
    subcommands = re.search(r"^Subcommands:\n((?:  .*\n?)+)", lists, re.M)
    for verb in re.findall(r"^  (\S+)", subcommands.group(1), re.M) if subcommands else []:
        yield from of_help((*path, verb))


verbs = dict(of_help())
leaves = {path: options for path, options in verbs.items() if not any(p[:-1] == path for p in verbs if p)}


def complete(*words):
    """What bash offers for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in ("leat", *words))
    script = f"source {out}/leat.bash; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _leat; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return said("bash", "--norc", "-c", script, cwd=out).split()


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


class MadeOfHelp(unittest.TestCase):
    def test_the_help_has_verbs(self):
        self.assertIn(("run",), leaves)
        self.assertIn(("plugin", "new"), leaves)
        self.assertIn("--state", leaves[("run",)])

    def test_the_manual_page_has_every_verb_with_its_options(self):
        page = (out / "leat.1").read_text().replace("\\-", "-")
        sections = dict(re.findall(r"^\.SS leat ((?:[a-z]+ ?)+)[^\n]*\n(.*?)(?=^\.S[SH])", page, re.M | re.S))
        self.assertEqual(sorted(" ".join(path) for path in leaves), sorted(name.strip() for name in sections))
        for path, options in leaves.items():
            for option in set(options) - {"--help"}:
                self.assertIn(option, sections.get(" ".join(path), sections.get(" ".join(path) + " ")), path)
        for code in re.findall(r"^  (\d)  ", said(leat, "--help"), re.M):
            self.assertIn(f"\n.B {code}\n", page)

    def test_bash_completes_every_verb_and_option(self):
        for path, options in verbs.items():
            children = {p[-1] for p in verbs if p and p[:-1] == path}
            offered = set(complete(*path, ""))
            self.assertLessEqual(children, offered, path)
            self.assertLessEqual(set(options), set(complete(*path, "--")), path)

    def test_bash_completes_values_and_files(self):
        self.assertEqual(["run"], complete("ru"))
        self.assertEqual(["upsert"], complete("load", "--mode", "u"))
        self.assertEqual(["leat.1"], complete("check", "leat.1"))
        self.assertEqual(["etc"], complete("--plugins", "e"))
        self.assertEqual(["circuit-open"], complete("help", "circuit-o"))
        # The value of an option is no verb.
        self.assertIn("--fresh", complete("--log-level", "info", "run", "--f"))

    @needs("zsh")
    def test_zsh_reads_its_completion(self):
        said("zsh", "-n", str(out / "_leat"))
        text = (out / "_leat").read_text()
        for path, options in leaves.items():
            function = re.search("^" + "_".join(("_leat", *path)) + r"\(\) \{\n(.*?)^\}", text, re.M | re.S)
            self.assertTrue(function, path)
            for option in options:
                self.assertIn(f"'{option}[", function.group(1).replace("'*", "'"), path)

    @needs("man")
    def test_man_reads_the_pages_without_a_warning(self):
        for page in ("leat.1", "leat.yaml.5"):
            done = subprocess.run(["man", "--warnings", "-l", str(out / page)], env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin",
                                  "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""}, capture_output=True, text=True, timeout=60)
            self.assertEqual("", done.stderr)
            self.assertIn("leat", done.stdout)

    def test_the_configuration_page_has_every_key(self):
        page = (out / "leat.yaml.5").read_text().replace("\\-", "-")
        for key in re.findall(r"^ *(?:# )?([a-z_]+):", (source / "config/leat.yaml").read_text(), re.M):
            self.assertIn(key + ":", page)


class Configuration(unittest.TestCase):
    def test_what_is_installed_is_the_sample_with_all_but_the_includes_commented_out(self):
        installed = (out / "etc/leat.yaml").read_text()
        live = [line for line in installed.splitlines() if line.strip() and not line.strip().startswith("#")]
        self.assertEqual(["version: 1 # of this format; required", "include: [conf.d/*.yaml]"], live)
        sample = (source / "config/leat.yaml").read_text().replace("config/leat.yaml", "/etc/leat/leat.yaml")
        self.assertEqual(len(sample.splitlines()), len(installed.splitlines()))
        for line, there in zip(sample.splitlines(), installed.splitlines()):
            self.assertIn(there, (line, "#" + line))

    def test_it_runs_what_lies_in_conf_d(self):
        (out / "etc/conf.d").mkdir(exist_ok=True)
        (out / "etc/conf.d/one.yaml").write_text("pipelines: { one: { extract: { generate: { rows: 3 } }, load: 'null' } }\n")
        self.assertIn("one", said(leat, "check", str(out / "etc/leat.yaml")))
        said(leat, "run", "--state", str(out / "state"), str(out / "etc/leat.yaml"))


class Units(unittest.TestCase):
    units = ("leat.service", "leat@.service")

    def test_they_start_leat_as_it_can_be_started(self):
        for unit in self.units:
            start = re.search(r"^ExecStart=/usr/bin/leat (\S+) (.*)$", (packaging / "systemd" / unit).read_text(), re.M)
            verb, options = start.group(1), re.findall(r"--[a-z-]+", start.group(2))
            self.assertLessEqual(set(options), set(verbs[(verb,)]), unit)

    @needs("systemd-analyze")
    def test_systemd_finds_nothing_wrong_and_little_exposed(self):
        with tempfile.TemporaryDirectory(prefix="leat-units-") as name:
            root = pathlib.Path(name)
            (root / "usr/bin").mkdir(parents=True)
            (root / "usr/lib/systemd/system").mkdir(parents=True)
            (root / "bin").symlink_to("usr/bin")
            (root / "lib").symlink_to("usr/lib")
            for program in ("leat", "kill"):
                shutil.copy("/bin/true", root / "usr/bin" / program)
            for unit in pathlib.Path("/lib/systemd/system").glob("*"):
                if unit.is_file():
                    shutil.copy(unit, root / "usr/lib/systemd/system")
            for unit in self.units:
                shutil.copy(packaging / "systemd" / unit, root / "usr/lib/systemd/system")
            for unit in ("leat.service", "leat@one.service"):
                self.assertEqual("", said("systemd-analyze", "verify", "--man=no", f"--root={root}", unit).strip())
                score = said("systemd-analyze", "security", "--no-pager", "--offline=true", f"--root={root}", unit)
                exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", score).group(1))
                self.assertLessEqual(exposure, 2.0, score)


class Scripts(unittest.TestCase):
    def test_shells_read_them(self):
        for script in [*(packaging / "deb").glob("p*"), *(packaging / "rpm").glob("p*")]:
            said("sh", "-n", str(script))
        for script in packaging.glob("*.sh"):
            said("bash", "-n", str(script))


said(sys.executable, str(packaging / "from_help.py"), leat, str(out), "--version", "1.2.3", "--date", "2000-01-01",
     "--config", str(source / "config/leat.yaml"))
unittest.main(argv=[sys.argv[0]], verbosity=1)
