"""from_help.py LEAT OUT [--version V --date YYYY-MM-DD --config leat.yaml]

Makes, of what `LEAT --help` and the --help of every verb say, the manual page leat.1 and the completions leat.bash and
_leat (zsh) in the folder OUT; with --config, of the commented configuration, the page leat.yaml.5 and etc/leat.yaml,
the same text with everything but the includes commented out.
Nothing of it is written by hand, so that nothing of it can say something else than the program.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys


class Entry:
    """A line of a list in a help text: an option, an argument or a verb."""

    def __init__(self, head, text):
        self.text = text
        head = re.sub(r"\s+(Excludes|Needs): .*", "", head)
        words = head.split()
        self.names = words[0].split(",")
        rest = [word for word in words[1:] if word not in ("REQUIRED", "TEXT")]
        self.many = "..." in rest
        rest = [word for word in rest if word != "..."]
        self.value, self.choices = (rest[0] if rest else ""), []
        self.offered = []  # what is completed, and not listed in a manual page
        if ":{" in self.value:
            self.value, choices = self.value.split(":{")
            self.choices = choices.rstrip("}").split(",")
        self.value = self.value.split(":")[0]  # N:UINT

    @property
    def files(self):
        """What of the file system this names: files, directories, or nothing."""
        word = self.value or self.names[0]
        if word == "DIR":
            return "directories"
        return "files" if word in ("FILE", "FILE.so", "SRC", "DST") else ""


class Verb:
    """A verb with its help: path is () for the program itself, or ("plugin", "new")."""

    def __init__(self, program, path):
        self.path = path
        help_text = subprocess.run([program, *path, "--help"], check=True, capture_output=True, text=True, timeout=60).stdout
        body, _, footer = help_text.partition("\n\n\n")
        self.footer = footer.strip("\n")
        head, _, lists = body.partition("Usage: ")
        self.summary = head.strip()
        self.usage, _, lists = lists.partition("\n")
        self.lists = {"Positionals": [], "Options": [], "Subcommands": []}
        into, heading = None, None
        for line in lists.splitlines():
            if re.fullmatch(r"[A-Z]\w*:", line):
                if line[:-1] not in self.lists:
                    sys.exit(f"from_help.py: leat {' '.join(path)} --help has a list that is not known: {line}")
                into = self.lists[line[:-1]]
            elif line.strip() and line.startswith(" " * 12):
                into.append(Entry(heading, line.strip()))
                heading = None
            elif line.strip():
                match = re.fullmatch(r"  (\S.*?)(?:\s{2,}(\S.*))?", line)
                if match.group(2):
                    into.append(Entry(match.group(1), match.group(2)))
                elif re.search(r"\s{2}$", line):
                    into.append(Entry(match.group(1), ""))
                else:
                    heading = match.group(1)
        if path == ("help",):
            listed = subprocess.run([program, "help", "--json"], check=True, capture_output=True, text=True, timeout=60).stdout
            self.arguments[0].offered = [event["id"] for event in json.loads(listed)["events"]]
        self.verbs = [Verb(program, (*path, entry.names[0])) for entry in self.lists["Subcommands"]]

    @property
    def arguments(self):
        return self.lists["Positionals"]

    @property
    def options(self):
        return self.lists["Options"]

    def all(self):
        yield self
        for verb in self.verbs:
            yield from verb.all()


# ---- manual pages

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti").replace("`", "\\(ga")
    return "\n".join("\\&" + line if line.startswith((".", "\\(aq")) else line for line in text.split("\n"))


def literal(text):
    return f".nf\n.ft CW\n{roff(text)}\n.ft\n.fi\n"


def tagged(entry):
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in entry.names)
    if not entry.names[0].startswith("-"):
        names = f"\\fI{roff(entry.names[0])}\\fR"
    value = "|".join(f"\\fB{roff(choice)}\\fR" for choice in entry.choices) or (
        f"\\fI{roff(entry.value)}\\fR" if entry.value else "")
    text = entry.text
    if entry.names[0] == "-h":
        text = "Prints this help"
    elif entry.names[0] == "--version":
        text = "Prints the version"
    return f".TP\n{names}{' ' + value if value else ''}\n{roff(text)}\n"


def manual(root, version, date):
    verbs, common = [], root.footer
    for verb in root.all():
        if not verb.path:
            continue
        name = roff(" ".join(("leat", *verb.path)))
        if verb.verbs:
            continue
        usage = re.sub(r"^leat " + " ".join(verb.path), "", verb.usage).strip()
        verbs.append(f".SS {name} {roff(usage)}\n{roff(verb.summary)}.\n")
        for entry in verb.arguments + [o for o in verb.options if o.names[0] != "-h"]:
            verbs.append(tagged(entry))
        if verb.footer and verb.footer != common:
            verbs.append(".PP\n" + literal(verb.footer))
    codes = [re.fullmatch(r"\s+(\d+)\s+(.*)", line) for line in common.splitlines()]
    statuses = "".join(f".TP\n.B {code.group(1)}\n{roff(code.group(2))}\n" for code in codes if code)
    return f""".\\" Made by packaging/from_help.py of what leat --help says.
.TH LEAT 1 "{date}" "leat {version}" "User Commands"
.SH NAME
leat \\- plugin host for ETL pipelines
.SH SYNOPSIS
.B leat
.RI [ options ]
.I verb
.RI [ arguments ]
.SH DESCRIPTION
{roff(root.summary)}
.PP
A pipeline reads with one component, changes with any number, and writes with one; each is from a plugin, a shared library.
A configuration in YAML names them:
.BR leat.yaml (5).
.SH OPTIONS
{"".join(tagged(entry) for entry in root.options)}.SH VERBS
{"".join(verbs)}.SH EXIT STATUS
{statuses}.SH ENVIRONMENT
.TP
.B LEAT_PLUGIN_PATH
Directories with plugins, with colons between them; searched before those of packages.
.SH FILES
.TP
.I /etc/leat/leat.yaml
What the service leat.service runs; it includes
.IR /etc/leat/conf.d/*.yaml .
.TP
.I /var/lib/leat
Checkpoints, dead letters and receipts of the service. By hand, they are in
.I ./.leat
unless
.B \\-\\-state
names another directory.
.TP
.IR /usr/local/lib/leat/plugins ", and " leat/plugins " in the library directory of the distribution"
Plugins. A file that is put there is found by
.BR "leat plugin list" .
.SH SEE ALSO
.BR leat.yaml (5)
"""


def yaml_manual(config, version, date):
    head, _, body = config.partition("\n\nversion:")
    paragraphs, listing = [], []
    for line in head.splitlines():
        line = line[2:]
        if line.startswith("  "):
            listing.append(line)
        else:
            if listing:
                paragraphs.append(literal("\n".join(listing)))
                listing = []
            paragraphs.append(roff(line) + "\n" if line else ".PP\n")
    if listing:
        paragraphs.append(literal("\n".join(listing)))
    text = re.sub(r"(?:\.PP\n)+", ".PP\n", "".join(paragraphs))
    text = re.sub(r"\.PP\n(\.nf)", r".PP\n\1", text).replace("config/leat.yaml", "leat.yaml")
    return f""".\\" Made by packaging/from_help.py of config/leat.yaml.
.TH LEAT.YAML 5 "{date}" "leat {version}" "File Formats"
.SH NAME
leat.yaml \\- configuration of leat: pipelines, and what they run with
.SH DESCRIPTION
{text}.SH KEYS
{literal("version:" + body.rstrip())}.SH FILES
.TP
.I /etc/leat/leat.yaml
What the service leat.service runs.
.TP
.I /etc/leat/conf.d/*.yaml
What that file includes.
.SH SEE ALSO
.BR leat (1)
"""


def commented(config):
    """config/leat.yaml as it is installed: only the includes are not commented out. `#key` without a blank is a
    commented key, `# words` are words."""
    out = []
    for line in config.splitlines():
        is_key = line.strip() and not line.strip().startswith("#")
        out.append("#" + line if is_key and not re.match(r"(version|include):", line) else line)
    return "\n".join(out).replace("config/leat.yaml", "/etc/leat/leat.yaml") + "\n"


# ---- completions

def bash(root):
    cases = []
    for verb in root.all():
        words = [entry.names[0] for entry in verb.lists["Subcommands"]]
        words += [name for entry in verb.options for name in entry.names]
        words += [word for entry in verb.arguments for word in entry.offered]
        if verb.path:
            words += [name for entry in root.options for name in entry.names if name not in ("-h", "--help", "--version")]
        files = "files" if any(entry.files for entry in verb.arguments) else ""
        cases.append(f'        "{" ".join(verb.path)}") words="{" ".join(words)}" files={files} ;;\n')
    values = {}
    for verb in root.all():
        for entry in verb.options:
            if not entry.value:
                continue
            key = "|".join(entry.names)
            action = (f"COMPREPLY=($(compgen -W '{' '.join(entry.choices)}' -- \"$cur\"))" if entry.choices else
                      f"_leat_files {'-d' if entry.files == 'directories' else '-f'}" if entry.files else ":")
            if values.setdefault(key, action) != action:
                values[key] = ":"
    prefixes = " ".join(f'"{" ".join(verb.path)}"' for verb in root.all() if verb.path)
    arms = "".join(f"        {names}) {action}; return ;;\n" for names, action in values.items())
    takers = "|".join(name for names in values for name in names.split("|"))
    return f"""# bash completion for leat(1). Made by packaging/from_help.py of what leat --help says.
_leat_files() {{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}}
_leat() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} verb= words= files= i next known
    COMPREPLY=()
    case $prev in
{arms}    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="${{verb:+$verb }}${{COMP_WORDS[i]}}"
        case ${{COMP_WORDS[i]}} in
            {takers}) ((i++)); continue ;;
        esac
        for known in {prefixes}; do
            [ "$next" != "$known" ] || verb=$next
        done
    done
    case $verb in
{"".join(cases)}    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    if [ -n "$files" ] && [[ $cur != -* ]]; then
        _leat_files -f
    fi
}}
complete -F _leat leat
"""


def zsh_text(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh(root):
    def option(entry):
        text = zsh_text(entry.text)
        value = ""
        if entry.value:
            action = f"({' '.join(entry.choices)})" if entry.choices else (
                "_files -/" if entry.files == "directories" else "_files" if entry.files else "")
            value = f":{zsh_text(entry.value)}:{action}"
        return [f"'{'*' if entry.many else ''}{name}[{text}]{value}'" for name in entry.names]

    functions = []
    for verb in root.all():
        lines = [one for entry in verb.options for one in option(entry)]
        if verb.path:
            lines += [one for entry in root.options if entry.names[0] not in ("-h", "--version") for one in option(entry)]
        name = "_".join(("_leat", *verb.path))
        if verb.verbs:
            listed = "\n".join(f"        '{entry.names[0]}:{zsh_text(entry.text)}'" for entry in verb.lists["Subcommands"])
            calls = "\n".join(f"                {one.path[-1]}) {'_'.join(('_leat', *one.path))} ;;" for one in verb.verbs)
            arguments = " \\\n        ".join([*lines, "'1: :->verb'", "'*:: :->arguments'"])
            functions.append(f"""{name}() {{
    local context state state_descr line
    typeset -A opt_args
    local -a verbs=(
{listed}
    )
    _arguments -C \\
        {arguments}
    case $state in
        verb) _describe verb verbs ;;
        arguments)
            case $line[1] in
{calls}
            esac ;;
    esac
}}
""")
        else:
            for number, entry in enumerate(verb.arguments, 1):
                action = f"({' '.join(entry.offered)})" if entry.offered else "_files" if entry.files else ""
                lines.append(f"'{number}:{zsh_text(entry.names[0])}:{action}'")
            arguments = " \\\n        ".join(lines)
            functions.append(f"{name}() {{\n    _arguments \\\n        {arguments}\n}}\n")
    return "#compdef leat\n# Made by packaging/from_help.py of what leat --help says.\n" + "".join(functions) + '_leat "$@"\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("leat")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--version", default="")
    parser.add_argument("--date", default="")
    parser.add_argument("--config", type=pathlib.Path)
    given = parser.parse_args()
    root = Verb(given.leat, ())
    if not root.verbs:
        sys.exit(f"from_help.py: {given.leat} --help lists no verbs")
    files = {"leat.1": manual(root, given.version, given.date), "leat.bash": bash(root), "_leat": zsh(root)}
    if given.config:
        config = given.config.read_text()
        files["leat.yaml.5"] = yaml_manual(config, given.version, given.date)
        files["etc/leat.yaml"] = commented(config)
    for name, text in files.items():
        path = given.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


main()
