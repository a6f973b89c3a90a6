"""A runner on a kernel that cannot seal scripts."""

#: Its arguments are a runner's; its zygote hears from the kernel that there is no Landlock.
RUNNER = """
import sys
from scriptorium_runner import __main__
from scriptorium_runner.engine.workers import zygote_start

zygote_start.COMMAND = [sys.executable, "-I", "-c", '''
from scriptorium_runner.engine.inside import zygote
from scriptorium_runner.engine.seal import kernel

def have_none():
    raise OSError(38, "Function not implemented")

kernel.read_landlock_version = have_none
zygote.main()
''']
__main__.main(sys.argv[1:])
"""
