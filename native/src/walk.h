#pragma once
#include <cstdint>
#include <vector>
#include "flat_tree.h"
#include "table.h"

namespace code {
/** Reasons in a record's header; 0 is none. */
enum Partial { kComplete, kSyntax, kEncoding };

/** Memory that a thread keeps between files. */
struct Scratch;
Scratch *make_scratch();
void free_scratch(Scratch *);

/** The one pass over a tree that finds all facts; src/core/parsing/fact-walk.ts is its twin. The record is written to `out`. */
void walk_tree(FlatTree &tree, const Table &table, const uint8_t *bytes, uint32_t length, Scratch &scratch, std::vector<int32_t> &out);
}  // namespace code
