#include "arena.h"
#include <tree_sitter/api.h>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {
constexpr size_t kChunk = size_t{8} << 20;
/** Kept between files; more is given back. */
constexpr size_t kKept = size_t{64} << 20;
/** Small blocks that were freed are used again by size: the parser frees many of its trial nodes. */
constexpr size_t kClasses = 32;

struct Header {
  size_t size;
  Header *next;
};
static_assert(sizeof(Header) == 16, "blocks stay aligned");

struct Chunk {
  Chunk *next;
  size_t size;
};

struct Arena {
  Chunk *chunks = nullptr;
  Chunk *current = nullptr;
  char *at = nullptr;
  char *end = nullptr;
  size_t used = 0;
  bool active = false;
  Header *free_blocks[kClasses] = {};
};

thread_local Arena mine;

char *begin_of(Chunk *chunk) { return reinterpret_cast<char *>(chunk) + 16; }

void use(Chunk *chunk) {
  mine.current = chunk;
  mine.at = begin_of(chunk);
  mine.end = reinterpret_cast<char *>(chunk) + chunk->size;
}

bool next_chunk(size_t wanted) {
  Chunk *next = mine.current ? mine.current->next : mine.chunks;
  if (next && next->size - 16 >= wanted) {
    use(next);
    return true;
  }
  size_t size = wanted + 16 > kChunk ? wanted + 16 : kChunk;
  Chunk *chunk = static_cast<Chunk *>(std::malloc(size));
  if (!chunk) return false;
  chunk->size = size;
  chunk->next = next;
  if (mine.current) mine.current->next = chunk;
  else mine.chunks = chunk;
  use(chunk);
  return true;
}

Header *header_of(void *block) { return reinterpret_cast<Header *>(static_cast<char *>(block) - sizeof(Header)); }

void *take(size_t wanted) {
  size_t size = (wanted + 15) & ~size_t{15};
  size_t group = size >> 4;
  if (group < kClasses && mine.free_blocks[group]) {
    Header *block = mine.free_blocks[group];
    mine.free_blocks[group] = block->next;
    return block + 1;
  }
  if (static_cast<size_t>(mine.end - mine.at) < size + sizeof(Header) && !next_chunk(size + sizeof(Header))) std::abort();
  Header *header = reinterpret_cast<Header *>(mine.at);
  mine.at += size + sizeof(Header);
  mine.used += size + sizeof(Header);
  header->size = size;
  return header + 1;
}

void *arena_malloc(size_t size) {
  if (mine.active) return take(size);
  void *block = std::malloc(size);
  if (!block && size) std::abort();
  return block;
}

void *arena_calloc(size_t count, size_t size) {
  if (!mine.active) {
    void *block = std::calloc(count, size);
    if (!block && count && size) std::abort();
    return block;
  }
  void *block = take(count * size);
  std::memset(block, 0, count * size);
  return block;
}

void arena_free(void *block) {
  if (!mine.active) {
    std::free(block);
    return;
  }
  if (!block) return;
  Header *header = header_of(block);
  size_t group = header->size >> 4;
  if (group >= kClasses) return;
  header->next = mine.free_blocks[group];
  mine.free_blocks[group] = header;
}

void *arena_realloc(void *block, size_t size) {
  if (!mine.active) {
    void *grown = std::realloc(block, size);
    if (!grown && size) std::abort();
    return grown;
  }
  if (!block) return take(size);
  Header *header = header_of(block);
  if (size <= header->size) return block;
  size_t rounded = (size + 15) & ~size_t{15};
  // The last block grows in its place.
  if (static_cast<char *>(block) + header->size == mine.at && static_cast<size_t>(mine.end - static_cast<char *>(block)) >= rounded) {
    mine.used += rounded - header->size;
    mine.at = static_cast<char *>(block) + rounded;
    header->size = rounded;
    return block;
  }
  void *grown = take(size);
  std::memcpy(grown, block, header->size);
  arena_free(block);
  return grown;
}
}  // namespace

namespace arena {
void install() { ts_set_allocator(arena_malloc, arena_calloc, arena_realloc, arena_free); }

void enter() {
  mine.active = true;
  mine.used = 0;
  mine.current = nullptr;
  mine.at = mine.end = nullptr;
  std::memset(mine.free_blocks, 0, sizeof(mine.free_blocks));
}

void leave() {
  mine.active = false;
  size_t kept = 0;
  Chunk **link = &mine.chunks;
  while (*link) {
    kept += (*link)->size;
    if (kept <= kKept) {
      link = &(*link)->next;
      continue;
    }
    Chunk *rest = *link;
    *link = nullptr;
    while (rest) {
      Chunk *next = rest->next;
      std::free(rest);
      rest = next;
    }
  }
}

void release() {
  for (Chunk *chunk = mine.chunks; chunk;) {
    Chunk *next = chunk->next;
    std::free(chunk);
    chunk = next;
  }
  mine = Arena{};
}

size_t used() { return mine.used; }
}  // namespace arena
