/* A JavaScript world that is made once and put back, byte for byte, after each script.
 *
 * Linked into the module in place of its JS_NewRuntime: the engine's memory is then had from here. While a
 * snapshot is open, blocks are cut from one region and never given back; when it is taken, the region is copied.
 * From then on blocks come from libc and are listed, so that restoring is to free those and copy the region back:
 * whatever a script did to the engine's memory is gone, and nothing was made anew or taken apart.
 * No pointer into the engine may be held across a restore but those that were held when the snapshot was taken.
 *
 * For one thread, as a worker is. Blocks are large: the engine cuts what it needs from pages of its own.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From quickjs.h of the version that recipe.py pins. */
typedef struct JSRuntime JSRuntime;
typedef struct {
    void *(*js_calloc)(void *opaque, size_t count, size_t size);
    void *(*js_malloc)(void *opaque, size_t size);
    void (*js_free)(void *opaque, void *place);
    void *(*js_realloc)(void *opaque, void *place, size_t size);
    size_t (*js_malloc_usable_size)(const void *place);
} JSMallocFunctions;
extern JSRuntime *JS_NewRuntime2(const JSMallocFunctions *functions, void *opaque);

#define PUBLIC __attribute__((visibility("default")))
#define ALIGN(size) (((size) + 15) & ~(size_t)15)

/* What stands before each block: of the region its size, of libc's its neighbours in the list. */
union head {
    size_t size;
    struct { union head *previous, *next; } list;
};
_Static_assert(sizeof(union head) == 16, "what follows a head is aligned as malloc aligns");

static char *region, *region_end, *region_top, *copy;
static int is_open;
static union head blocks = {.list = {&blocks, &blocks}};

static int is_in_region(const void *place) {
    return (const char *)place >= region && (const char *)place < region_end;
}

static void enlist(union head *block) {
    block->list.previous = blocks.list.previous;
    block->list.next = &blocks;
    block->list.previous->list.next = block->list.next->list.previous = block;
}

/* A head that somebody wrote over ends the process, as libc's own lists do: it would say where is written to. */
static void delist(union head *block) {
    if (block->list.previous->list.next != block || block->list.next->list.previous != block)
        abort();
    block->list.previous->list.next = block->list.next;
    block->list.next->list.previous = block->list.previous;
}

static void *cut(size_t size) {
    size_t room = (size_t)(region_end - region_top);
    if (size > room || ALIGN(size) + sizeof(union head) > room)
        return NULL;
    union head *block = (union head *)region_top;
    block->size = ALIGN(size);
    region_top += sizeof *block + block->size;
    return block + 1;
}

static void *allocate(void *opaque, size_t size) {
    (void)opaque;
    if (is_open)
        return cut(size);
    if (size > PTRDIFF_MAX - sizeof(union head))
        return NULL;
    union head *block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    enlist(block);
    return block + 1;
}

static void *allocate_zeroed(void *opaque, size_t count, size_t size) {
    (void)opaque;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - sizeof(union head))
        return NULL;
    if (is_open)
        return cut(bytes); /* The region is fresh from the kernel, and nothing in it is used twice. */
    union head *block = calloc(1, sizeof *block + bytes);
    if (block == NULL)
        return NULL;
    enlist(block);
    return block + 1;
}

static void release(void *opaque, void *place) {
    (void)opaque;
    if (place == NULL || is_in_region(place))
        return;
    union head *block = (union head *)place - 1;
    delist(block);
    free(block);
}

static size_t usable_size(const void *place) {
    if (place == NULL)
        return 0;
    const union head *block = (const union head *)place - 1;
    return is_in_region(place) ? block->size : malloc_usable_size((void *)block) - sizeof *block;
}

static void *reallocate(void *opaque, void *place, size_t size) {
    if (place == NULL)
        return allocate(opaque, size);
    if (size == 0) {
        release(opaque, place);
        return NULL;
    }
    if (is_open || is_in_region(place)) {
        size_t had = usable_size(place);
        if (is_in_region(place) && size <= had)
            return place;
        void *other = allocate(opaque, size);
        if (other == NULL)
            return NULL;
        memcpy(other, place, had < size ? had : size);
        release(opaque, place);
        return other;
    }
    if (size > PTRDIFF_MAX - sizeof(union head))
        return NULL;
    union head *block = (union head *)place - 1;
    delist(block);
    union head *moved = realloc(block, sizeof *block + size);
    enlist(moved != NULL ? moved : block);
    return moved != NULL ? moved + 1 : NULL;
}

static const JSMallocFunctions functions = {allocate_zeroed, allocate, release, reallocate, usable_size};

/* The linker takes this wherever the module asks for JS_NewRuntime (--wrap). */
JSRuntime *__wrap_JS_NewRuntime(void) {
    return JS_NewRuntime2(&functions, NULL);
}

/* Have all that is allocated from now on in the snapshot, which may come to `size` bytes; 0 if it cannot be: there is
 * one already, or a runtime that a restore would free. */
PUBLIC int scriptorium_snapshot_open(size_t size) {
    if (region != NULL || blocks.list.next != &blocks)
        return 0;
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return 0;
    region = region_top = place;
    region_end = region + size;
    is_open = 1;
    return 1;
}

/* Keep the world as it is; gives its bytes, 0 if there is no room. */
PUBLIC size_t scriptorium_snapshot_take(void) {
    size_t size = (size_t)(region_top - region);
    is_open = 0;
    copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return 0;
    memcpy(copy, region, size);
    /* Nothing writes to it any more, whatever goes wrong in here. */
    mprotect(copy, size, PROT_READ);
    return size;
}

/* Have the world as it was when the snapshot was taken. */
PUBLIC void scriptorium_snapshot_restore(void) {
    while (blocks.list.next != &blocks) {
        union head *block = blocks.list.next;
        delist(block);
        free(block);
    }
    memcpy(region, copy, (size_t)(region_top - region));
}
