// Memory of the parser for one file: taken in steps of a pointer, given back all at once.
#pragma once
#include <cstddef>

namespace arena {
/** Makes the parser's core use arenas on threads that have one. Once per process. */
void install();
/** From here to `leave` the parser's memory on this thread comes from its arena. */
void enter();
/** Forgets everything since `enter`; nothing of the parser may live on. */
void leave();
/** Gives the thread's memory back to the system. */
void release();
/** Bytes in use on this thread. */
size_t used();
}  // namespace arena
