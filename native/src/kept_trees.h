// Trees of files that were read lately, for those that are read again after an edit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <tree_sitter/api.h>

namespace kept_trees {
/**
 * The tree kept under a number, already edited to the new bytes: what is alike at the beginning and at the end is unchanged.
 * Null where there is none, or it is of another language. It belongs to the caller.
 */
TSTree *take(uint32_t number, const TSLanguage *language, const uint8_t *bytes, uint32_t length);
/** Keeps a tree, which belongs to this from now on; those of other numbers go when there are too many. */
void put(uint32_t number, const TSLanguage *language, const uint8_t *bytes, uint32_t length, TSTree *tree);
/** How many trees were taken so far. */
uint32_t reused();
}  // namespace kept_trees
