// The parser's core in one unit with the copy of its trees: reading its own structures is faster than its public cursor, which
// walks up again for every field name.
#include "lib.c"
#include "flat_tree.h"

typedef struct {
  const Subtree *children;
  const TSSymbol *aliases;
  uint32_t child_count;
  uint32_t child;
  uint32_t structural;
  /** Byte at which the next child starts, its padding included. */
  uint32_t position;
  uint16_t production;
  /** The field that a hidden node hands to the nodes inside it. */
  uint16_t handed;
  /** Index of the node, or of the visible node around a hidden one. */
  int32_t node;
  bool hidden;
} Level;

static bool grow_columns(FlatTree *out) {
  uint32_t capacity = out->capacity ? out->capacity * 2 : 16384;
#define GROW(column)                                                        \
  do {                                                                      \
    void *grown = realloc(out->column, (size_t)capacity * sizeof(*out->column)); \
    if (!grown) return false;                                               \
    out->column = grown;                                                    \
  } while (0)
  GROW(symbol);
  GROW(field);
  GROW(start);
  GROW(end);
  GROW(size);
  GROW(parent);
  GROW(flags);
#undef GROW
  out->capacity = capacity;
  return true;
}

static inline bool add_node(FlatTree *out, const TSLanguage *language, Subtree subtree, TSSymbol alias, uint32_t start, uint16_t field, int32_t parent) {
  if (out->count == out->capacity && !grow_columns(out)) return false;
  uint32_t at = out->count++;
  TSSymbol symbol = alias ? alias : ts_subtree_symbol(subtree);
  out->symbol[at] = symbol == ts_builtin_sym_error || symbol == ts_builtin_sym_error_repeat ? FLAT_ERROR : language->public_symbol_map[symbol];
  out->field[at] = field;
  out->start[at] = start;
  out->end[at] = start + ts_subtree_size(subtree).bytes;
  out->size[at] = 1;
  out->parent[at] = parent;
  bool named = alias ? language->symbol_metadata[alias].named : ts_subtree_named(subtree);
  out->flags[at] = (named ? FLAT_NAMED : 0) | (ts_subtree_missing(subtree) ? FLAT_MISSING : 0);
  return true;
}

static bool push_level(FlatTree *out, uint32_t depth, const TSLanguage *language, const Subtree *subtree, uint32_t start, uint16_t handed, int32_t node, bool hidden) {
  if (depth >= out->stack_capacity) {
    uint32_t capacity = out->stack_capacity ? out->stack_capacity * 2 : 256;
    void *grown = realloc(out->stack, capacity * sizeof(Level));
    if (!grown) return false;
    out->stack = grown;
    out->stack_capacity = capacity;
  }
  uint16_t production = ts_subtree_production_id(*subtree);
  ((Level *)out->stack)[depth] = (Level){
    .children = ts_subtree_children(*subtree),
    .aliases = ts_language_alias_sequence(language, production),
    .child_count = ts_subtree_child_count(*subtree),
    .position = start,
    .production = production,
    .handed = handed,
    .node = node,
    .hidden = hidden,
  };
  return true;
}

bool flat_tree_fill(const TSTree *tree, FlatTree *out) {
  const TSLanguage *language = tree->language;
  out->count = 0;
  uint32_t start = ts_subtree_padding(tree->root).bytes;
  if (!add_node(out, language, tree->root, 0, start, 0, -1)) return false;
  if (ts_subtree_child_count(tree->root) == 0) return true;
  if (!push_level(out, 0, language, &tree->root, start, 0, 0, false)) return false;
  uint32_t depth = 1;
  while (depth > 0) {
    Level *level = &((Level *)out->stack)[depth - 1];
    if (level->child == level->child_count) {
      if (!level->hidden) out->size[level->node] = out->count - (uint32_t)level->node;
      depth--;
      continue;
    }
    const Subtree *child = &level->children[level->child];
    uint32_t child_start = level->position;
    if (level->child > 0) child_start += ts_subtree_padding(*child).bytes;
    level->position = child_start + ts_subtree_size(*child).bytes;
    level->child++;
    bool extra = ts_subtree_extra(*child);
    TSSymbol alias = 0;
    uint16_t field = 0;
    if (!extra) {
      uint32_t place = level->structural++;
      if (level->aliases) alias = level->aliases[place];
      const TSFieldMapEntry *map, *end;
      ts_language_field_map(language, level->production, &map, &end);
      for (; map < end; map++) {
        if (!map->inherited && map->child_index == place) {
          field = map->field_id;
          break;
        }
      }
      if (!field) field = level->handed;
    }
    bool visible = alias || ts_subtree_visible(*child);
    int32_t node = level->node;
    if (visible) {
      node = (int32_t)out->count;
      if (!add_node(out, language, *child, alias, child_start, field, level->node)) return false;
    }
    if (ts_subtree_child_count(*child) > 0) {
      if (!push_level(out, depth, language, child, child_start, visible ? 0 : field, node, !visible)) return false;
      depth++;
    }
  }
  return true;
}

void flat_tree_free(FlatTree *tree) {
  free(tree->symbol);
  free(tree->field);
  free(tree->start);
  free(tree->end);
  free(tree->size);
  free(tree->parent);
  free(tree->flags);
  free(tree->stack);
}
