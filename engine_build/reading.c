/* No script calls Python while an error of its own is being read.
 *
 * The binding lets go of Python's lock before it runs JavaScript, and takes it back for each call of Python. But when
 * a script has failed it has the lock again already, and then reads the error as text: that runs what the script put
 * there, toString or a getter. If that called Python, console.log for one, the binding took back a lock that nobody
 * had let go of, and the process died instead of telling of a Timeout, or of whatever the error was.
 *
 * Linked into the module in place of the two functions that it reads with. While they work the Context says that it
 * has a time limit, with which the binding itself refuses to call Python: JavaScript gets an error.
 */
#include <stddef.h>
#include <stdint.h>

/* From quickjs.h of the version that recipe.py pins; of a value only its size and its place in registers count. */
typedef struct JSRuntime JSRuntime;
typedef struct JSContext JSContext;
typedef struct { uint64_t content; int64_t tag; } JSValue;
_Static_assert(sizeof(void *) == 8, "on narrower machines a JSValue is another one");
extern JSRuntime *JS_GetRuntime(JSContext *context);
extern void *JS_GetRuntimeOpaque(JSRuntime *runtime);
extern const char *__real_JS_ToCStringLen2(JSContext *context, size_t *size, JSValue value, _Bool is_cesu8);
extern JSValue __real_JS_GetPropertyStr(JSContext *context, JSValue object, const char *name);

/* From module.c of that version: how its Context begins, as far as that is needed. */
typedef struct {
    struct { intptr_t references; void *type; } head;
    JSRuntime *runtime;
    JSContext *context;
    int has_time_limit;
} Context;

/* Gives what it was before, or 0 while the Context is yet being made. */
static int limit(JSContext *context, int has_time_limit) {
    Context *self = JS_GetRuntimeOpaque(JS_GetRuntime(context));
    if (self == NULL) return 0;
    int former = self->has_time_limit;
    self->has_time_limit = has_time_limit;
    return former;
}

/* The linker takes these wherever the module asks for JS_ToCStringLen2 and JS_GetPropertyStr (--wrap). */
const char *__wrap_JS_ToCStringLen2(JSContext *context, size_t *size, JSValue value, _Bool is_cesu8) {
    int former = limit(context, 1);
    const char *text = __real_JS_ToCStringLen2(context, size, value, is_cesu8);
    limit(context, former);
    return text;
}

JSValue __wrap_JS_GetPropertyStr(JSContext *context, JSValue object, const char *name) {
    int former = limit(context, 1);
    JSValue value = __real_JS_GetPropertyStr(context, object, name);
    limit(context, former);
    return value;
}
