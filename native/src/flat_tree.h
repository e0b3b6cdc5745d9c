// A syntax tree as columns in source order; src/core/parsing/flat-tree.ts is its twin.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <tree_sitter/api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FLAT_NAMED = 1, FLAT_MISSING = 2, FLAT_DEFINES = 4 };
#define FLAT_ERROR 65535

typedef struct {
  uint32_t count;
  uint32_t capacity;
  uint16_t *symbol;
  uint16_t *field;
  uint32_t *start;
  uint32_t *end;
  uint32_t *size;
  int32_t *parent;
  uint8_t *flags;
  void *stack;
  uint32_t stack_capacity;
} FlatTree;

/** Fills the columns; memory is kept for the next tree. False when there is none left. */
bool flat_tree_fill(const TSTree *tree, FlatTree *out);
void flat_tree_free(FlatTree *tree);

#ifdef __cplusplus
}
#endif
