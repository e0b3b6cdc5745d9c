#include "kept_trees.h"
#include <algorithm>
#include <list>
#include <mutex>
#include <vector>

namespace kept_trees {
namespace {
struct Kept {
  uint32_t number;
  const TSLanguage *language;
  std::vector<uint8_t> bytes;
  TSTree *tree;
};

/** About twenty times their sources together. */
constexpr size_t kMostTrees = 64;
constexpr size_t kMostBytes = 8u << 20;

std::mutex guard;
std::list<Kept> kept;
size_t total = 0;
uint32_t taken = 0;

TSPoint point_at(const uint8_t *bytes, uint32_t end) {
  TSPoint point{0, 0};
  uint32_t line = 0;
  for (uint32_t at = 0; at < end; at++) {
    if (bytes[at] != '\n') continue;
    point.row++;
    line = at + 1;
  }
  point.column = end - line;
  return point;
}

TSInputEdit edit_between(const uint8_t *before, uint32_t old_length, const uint8_t *after, uint32_t new_length) {
  const uint32_t most = std::min(old_length, new_length);
  uint32_t head = 0;
  while (head < most && before[head] == after[head]) head++;
  uint32_t tail = 0;
  while (tail < most - head && before[old_length - 1 - tail] == after[new_length - 1 - tail]) tail++;
  // never between the bytes of one character
  while (head > 0 && head < new_length && (after[head] & 0xc0) == 0x80) head--;
  while (tail > 0 && (after[new_length - tail] & 0xc0) == 0x80) tail--;
  TSInputEdit edit;
  edit.start_byte = head;
  edit.old_end_byte = old_length - tail;
  edit.new_end_byte = new_length - tail;
  edit.start_point = point_at(before, head);
  edit.old_end_point = point_at(before, edit.old_end_byte);
  edit.new_end_point = point_at(after, edit.new_end_byte);
  return edit;
}

void drop(std::list<Kept>::iterator entry) {
  total -= entry->bytes.size();
  ts_tree_delete(entry->tree);
  kept.erase(entry);
}
}  // namespace

TSTree *take(uint32_t number, const TSLanguage *language, const uint8_t *bytes, uint32_t length) {
  std::lock_guard<std::mutex> lock(guard);
  auto entry = std::find_if(kept.begin(), kept.end(), [&](const Kept &each) { return each.number == number; });
  if (entry == kept.end() || entry->language != language) return nullptr;
  TSTree *tree = ts_tree_copy(entry->tree);
  const TSInputEdit edit = edit_between(entry->bytes.data(), static_cast<uint32_t>(entry->bytes.size()), bytes, length);
  ts_tree_edit(tree, &edit);
  taken++;
  return tree;
}

uint32_t reused() {
  std::lock_guard<std::mutex> lock(guard);
  return taken;
}

void put(uint32_t number, const TSLanguage *language, const uint8_t *bytes, uint32_t length, TSTree *tree) {
  std::lock_guard<std::mutex> lock(guard);
  auto known = std::find_if(kept.begin(), kept.end(), [&](const Kept &each) { return each.number == number; });
  if (known != kept.end()) drop(known);
  kept.push_front(Kept{number, language, std::vector<uint8_t>(bytes, bytes + length), tree});
  total += length;
  while (kept.size() > 1 && (kept.size() > kMostTrees || total > kMostBytes)) drop(std::prev(kept.end()));
}
}  // namespace kept_trees
