#pragma once
#include <atomic>
#include <cstdint>
#include <vector>
#include <tree_sitter/api.h>
#include "table.h"

namespace code {
struct Source {
  const TSLanguage *language;
  /** Without one the file is only parsed. */
  const Table *table;
  const uint8_t *bytes;
  uint32_t length;
  /** Its tree is kept under this number for the next time; 0: it is not. */
  uint32_t keep = 0;
};

enum Outcome { kRead, kTooLong, kDeadline };

struct Answer {
  Outcome outcome = kRead;
  std::vector<int32_t> record;
};

struct Limits {
  uint32_t threads = 1;
  uint32_t deadline_ms = 2000;
  uint32_t max_bytes = 1u << 20;
  /** Off only to measure what it brings. */
  bool use_arena = true;
};

/** Reads all files, the longest first, on this thread and `threads - 1` others. */
void read_batch(const std::vector<Source> &sources, const Limits &limits, std::vector<Answer> &answers);
}  // namespace code
