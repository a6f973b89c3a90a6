"""The JavaScript engine of the image: quickjs-ng, compiled anew from the source that its wheel is made of.

The wheel's code stores each value of the interpreter's stack in two halves and reads it back as one, which
the processor cannot forward: a plain loop takes two to three times as long as it has to.
`recipe` is what the engine is made of, `build` makes it, `gate` proves that it is worth it, `ship` puts it in
place of the wheel. All of it needs the standard library alone, since an image begins with nothing else.
"""
