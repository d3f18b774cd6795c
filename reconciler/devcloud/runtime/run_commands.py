"""From several command lines of one program, to their effects, importing its code only once.

Usage: python run_commands.py MODULE PROGRAM -- WORDS... [-- WORDS...]

Each group of WORDS is one command line of PROGRAM. Each runs MODULE.main() in a fork of its own, one
after the other; the first that fails ends the run with exit status 1.
"""

import gc
import importlib
import os
import sys
import traceback


def main():
    module, program, *rest = sys.argv[1:]
    commands = []
    for word in rest:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    gc.disable()  # nothing runs long enough to need it, and loading takes a third less
    command = importlib.import_module(module).main
    for words in commands:
        print("==", program, *words, flush=True)
        pid = os.fork()
        if pid == 0:
            os._exit(run(command, [program, *words]))
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            sys.exit(1)


def run(command, argv):
    sys.argv = argv
    try:
        code = command() or 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


main()
