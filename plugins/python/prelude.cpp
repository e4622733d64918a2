#include "module.hpp"

namespace python {

const char* const prelude = R"python(
import difflib, gc, inspect, io, json, os, sys, threading, time, types


class DataError(Exception):
    """This batch cannot be handled: its rows become dead letters."""


class Retry(Exception):
    """Passing trouble: the same call comes again, after a pause."""


class ConfigError(Exception):
    """An operator must act: the pipeline stops."""


class Cancelled(BaseException):
    """The host wants to stop. Let it pass."""


class _Idle:
    def __repr__(self):
        return "leat.IDLE"


IDLE = _Idle()

_LEVELS = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "warning": 3, "error": 4}


def log(text, level="info"):
    """Writes a line to the host's log. The levels are trace, debug, info, warn, error."""
    if level not in _LEVELS:
        raise ValueError(f"log: {level!r} is no level; the levels are trace, debug, info, warn, error")
    if not _log(_LEVELS[level], str(text)) and sys.__stderr__ is not None:
        print(text, file=sys.__stderr__, flush=True)


def sleep(seconds):
    """Sleeps as time.sleep does; a stop ends it, with Cancelled."""
    if not _sleep(float(seconds)):
        time.sleep(seconds)


class _Writer(io.TextIOBase):
    def __init__(self, level):
        self._level, self._rest = level, {}

    def writable(self):
        return True

    def write(self, text):
        thread = threading.get_ident()
        *lines, rest = (self._rest.pop(thread, "") + text).split("\n")
        if rest:
            self._rest[thread] = rest
        for line in lines:
            log(line, self._level)
        return len(text)

    def flush(self):
        rest = self._rest.pop(threading.get_ident(), "")
        if rest:
            log(rest, self._level)


def _print_to_log():
    sys.stdout, sys.stderr = _Writer("info"), _Writer("warn")


def _flush():
    sys.stdout.flush()
    sys.stderr.flush()


def _load(name, file, code, wanted, needed, config):
    """Runs a script as a module of its own, and makes an object of its class."""
    if code is None:
        try:
            with open(file, "rb") as script:
                code = script.read()
        except OSError as error:
            raise ConfigError(f"file: {error.strerror or error}") from None
        folder = os.path.dirname(os.path.abspath(file))
        if folder not in sys.path:
            sys.path.append(folder)
    module = types.ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module
    exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)
    found = {key: value for key, value in vars(module).items()
             if isinstance(value, type) and value.__module__ == name}
    named = vars(module).get(wanted) if wanted else None
    if wanted and not isinstance(named, type):
        near = difflib.get_close_matches(wanted, found, 1)
        raise ConfigError(f"class: there is no class '{wanted}'"
                          + (f"; did you mean '{near[0]}'?" if near else f"; the classes are {', '.join(found)}"
                             if found else "; there are no classes"))
    if not wanted:
        fit = [value for value in found.values() if callable(getattr(value, needed, None))]
        if len(fit) != 1:
            raise ConfigError(f"class: {len(fit) or 'no'} classes have {needed}(), so that class must say which it is"
                              if fit else f"class: no class has {needed}()")
        named = fit[0]
    if not callable(getattr(named, needed, None)):
        raise ConfigError(f"class '{named.__name__}' has no {needed}()")
    made = named() if named.__init__ is object.__init__ else named(json.loads(config))
    what, value = ("save", "state") if needed == "process" else ("position", "position")
    if callable(getattr(made, what, None)) and not callable(getattr(made, "open", None)):
        raise ConfigError(f"class '{named.__name__}' has {what}() but no open(self, {value}), "
                          f"which goes on from what {what}() gave")
    return made


def _unload(name):
    sys.modules.pop(name, None)
    gc.collect()


def _to_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _from_json(text):
    return json.loads(text) if text else None


def _frames(trace):
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != "<leat>":
            yield code.co_filename, trace.tb_lineno, code.co_name
        trace = trace.tb_next


def _kind(error):
    kind = type(error)
    known = ("builtins", "leat", "__main__")
    return kind.__qualname__ if kind.__module__ in known or kind.__module__.startswith("_leat_script_") \
        else f"{kind.__module__}.{kind.__qualname__}"


def _describe(error, file, entry):
    """file:line: Type: message (file:line caller, file:line callee)"""
    frames = list(_frames(error.__traceback__))
    own = [frame for frame in frames if frame[0] == file]
    place, message = file or "python", str(error)
    if isinstance(error, SyntaxError) and error.filename:
        place, message = f"{error.filename}:{error.lineno}", error.msg
        frames = []
    elif own:
        place = f"{file}:{own[-1][1]}"
    elif entry:
        place = f"{place}: {entry}"
    kind = "" if isinstance(error, ConfigError) and not own else _kind(error)
    text = ": ".join(part for part in (place, kind, message) if part)
    if isinstance(error, SystemExit):
        text += ": a script ends by returning, and not the process"
    cause = error.__cause__
    if cause is not None:
        text += f"; because of {_kind(cause)}: {cause}"
    if len(frames) > 1 or (frames and not own):
        shown = frames if len(frames) <= 6 else [frames[0], *frames[-5:]]
        names = [f"{name if name == file else os.path.basename(name)}:{line} {where}" for name, line, where in shown]
        text += f" ({', '.join(names)})"
    return text
)python";

}  // namespace python
