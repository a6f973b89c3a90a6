/* Compiled into the module, so that a running engine can tell who made it: see native.py of the runner.
 * Every source file includes this; a weak definition is linked once. */
#ifdef __clang__
#define SCRIPTORIUM_COMPILER "clang " __clang_version__
#else
#define SCRIPTORIUM_COMPILER "gcc " __VERSION__
#endif
__attribute__((weak, used, visibility("default"))) const char scriptorium_engine_build[] =
    "rebuilt: " SCRIPTORIUM_FLAGS ", " SCRIPTORIUM_COMPILER;
