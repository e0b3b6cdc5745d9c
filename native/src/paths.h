// Finds places in a flat tree by the paths of a table; src/core/parsing/tree-paths.ts is the twin.
#pragma once
#include <cstring>
#include "flat_tree.h"
#include "table.h"

namespace code {
class Finder {
 public:
  Finder(const FlatTree &tree, const Table &table, const uint8_t *bytes) : tree(tree), table(table), bytes(bytes) {}

  /** The first place that the first of the paths which leads anywhere leads to, or -1. */
  int first(uint32_t node, const Paths &paths) const {
    for (const Path &path : paths) {
      int found = -1;
      if (visit(node, path, 0, [&](uint32_t place) {
            found = static_cast<int>(place);
            return true;
          }))
        return found;
    }
    return -1;
  }

  bool holds(const Condition &condition, uint32_t node, int scope) const {
    bool any = false;
    if (condition.scopes == 0 || (condition.scopes & (1u << scope)))
      for (const Path &path : condition.paths)
        if (visit(node, path, 0, [&](uint32_t place) { return matches(condition, place); })) {
          any = true;
          break;
        }
    return any != condition.negative;
  }

 private:
  const FlatTree &tree;
  const Table &table;
  const uint8_t *bytes;

  bool in_set(int set, uint32_t node) const { return tree.symbol[node] != FLAT_ERROR && table.sets[set][tree.symbol[node]]; }
  bool field_in(int set, uint32_t node) const { return tree.field[node] != 0 && table.sets[set][tree.field[node]]; }
  bool is_comment(uint32_t node) const { return tree.symbol[node] != FLAT_ERROR && (table.bits[tree.symbol[node]] & kComment); }

  /** Recurses along a path of a table, never along the tree. */
  template <class Take>
  bool visit(uint32_t node, const Path &path, size_t index, const Take &take) const {
    if (index == path.size()) return take(node);
    const Step &step = path[index];
    uint32_t end = node + tree.size[node];
    switch (step.op) {
      case kField:
        for (uint32_t child = node + 1; child < end; child += tree.size[child])
          if (field_in(step.arg, child) && visit(child, path, index + 1, take)) return true;
        return false;
      case kKind:
        for (uint32_t child = node + 1; child < end; child += tree.size[child])
          if (in_set(step.arg, child) && visit(child, path, index + 1, take)) return true;
        return false;
      case kNth: {
        int found = -1, left = step.arg;
        for (uint32_t child = node + 1; child < end; child += tree.size[child]) {
          if (!(tree.flags[child] & FLAT_NAMED) || is_comment(child)) continue;
          if (step.arg < 0) found = static_cast<int>(child);
          else if (left-- == 0) {
            found = static_cast<int>(child);
            break;
          }
        }
        return found >= 0 && visit(static_cast<uint32_t>(found), path, index + 1, take);
      }
      case kUp:
        return tree.parent[node] >= 0 && visit(static_cast<uint32_t>(tree.parent[node]), path, index + 1, take);
      case kPrevious:
        for (int sibling = previous_of(static_cast<int>(node)); sibling >= 0 && in_set(step.arg, static_cast<uint32_t>(sibling));
             sibling = previous_of(sibling))
          if (visit(static_cast<uint32_t>(sibling), path, index + 1, take)) return true;
        return false;
      case kDeep: {
        uint32_t at = node;
        for (int next = field_of(at, step.arg); next >= 0; next = field_of(at, step.arg)) at = static_cast<uint32_t>(next);
        return visit(at, path, index + 1, take);
      }
      default:
        for (uint32_t child = node + 1; child < end; child++)
          if (in_set(step.arg, child) && visit(child, path, index + 1, take)) return true;
        return false;
    }
  }

  int field_of(uint32_t node, int set) const {
    uint32_t end = node + tree.size[node];
    for (uint32_t child = node + 1; child < end; child += tree.size[child])
      if (field_in(set, child)) return static_cast<int>(child);
    return -1;
  }

  int previous_of(int node) const {
    int at = node;
    do {
      if (at - 1 <= tree.parent[node]) return -1;
      at -= 1;
      while (tree.parent[at] != tree.parent[node]) at = tree.parent[at];
    } while (is_comment(static_cast<uint32_t>(at)));
    return at;
  }

  bool matches(const Condition &condition, uint32_t node) const {
    if (condition.kinds >= 0 && !in_set(condition.kinds, node)) return false;
    if (condition.fields >= 0 && !field_in(condition.fields, node)) return false;
    const char *text = reinterpret_cast<const char *>(bytes) + tree.start[node];
    size_t length = tree.end[node] - tree.start[node];
    auto any = [](const Words &words, auto test) {
      for (const std::string &word : words)
        if (test(word)) return true;
      return words.empty();
    };
    return any(condition.text, [&](const std::string &w) { return w.size() == length && !std::memcmp(text, w.data(), length); }) &&
           any(condition.prefix, [&](const std::string &w) { return w.size() <= length && !std::memcmp(text, w.data(), w.size()); }) &&
           any(condition.contains, [&](const std::string &w) {
             for (size_t at = 0; at + w.size() <= length; at++)
               if (!std::memcmp(text + at, w.data(), w.size())) return true;
             return false;
           });
  }
};
}  // namespace code
