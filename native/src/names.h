// Numbers for the texts of a file; src/core/parsing/tree-names.ts is the twin.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>
#include "table.h"

namespace code {
class Names {
 public:
  void reset(const uint8_t *source, const Table &of) {
    bytes = source;
    table = &of;
    if (slots.empty()) slots.resize(1024);
    std::memset(slots.data(), 0, slots.size() * sizeof(uint32_t));
    texts.clear();
    spans.clear();
    used = 0;
    constant_names.assign(of.constants.size(), -1);
  }

  /** One number per distinct text. */
  uint32_t text(uint32_t start, uint32_t end) {
    uint32_t length = end - start;
    uint64_t hash = hash_of(bytes + start, length);
    if (texts.size() * 2 >= slots.size()) grow();
    uint32_t mask = static_cast<uint32_t>(slots.size()) - 1;
    for (uint32_t slot = static_cast<uint32_t>(hash) & mask;; slot = (slot + 1) & mask) {
      uint32_t known = slots[slot];
      if (known == 0) {
        texts.push_back({hash, start, length, -1});
        slots[slot] = static_cast<uint32_t>(texts.size());
        return static_cast<uint32_t>(texts.size()) - 1;
      }
      const Text &other = texts[known - 1];
      if (other.hash == hash && other.length == length && std::memcmp(bytes + other.start, bytes + start, length) == 0) return known - 1;
    }
  }

  /** The text as a name: on one line and not too long, else -1. */
  int name(uint32_t start, uint32_t end) {
    if (end <= start || end - start > kLongest || std::memchr(bytes + start, '\n', end - start)) return -1;
    uint32_t id = text(start, end);
    if (texts[id].name < 0) texts[id].name = push(bytes + start, end - start);
    return texts[id].name;
  }

  int unquoted(uint32_t start, uint32_t end) {
    while (start < end && is_quote(bytes[start])) start++;
    while (end > start && is_quote(bytes[end - 1])) end--;
    return name(start, end);
  }

  int constant(int id) {
    if (id < 0) return -1;
    if (constant_names[id] < 0) {
      const std::string &word = table->constants[id];
      constant_names[id] = push(reinterpret_cast<const uint8_t *>(word.data()), static_cast<uint32_t>(word.size()));
    }
    return constant_names[id];
  }

  int count() const { return static_cast<int>(spans.size()); }
  int bytes_used() const { return static_cast<int>(used); }

  /** The ends of all names, then their bytes. */
  void write(int32_t *to) const {
    uint8_t *blob = reinterpret_cast<uint8_t *>(to + spans.size());
    uint32_t end = 0;
    for (size_t i = 0; i < spans.size(); i++) {
      std::memcpy(blob + end, spans[i].at, spans[i].length);
      end += spans[i].length;
      to[i] = static_cast<int32_t>(end);
    }
  }

 private:
  static constexpr uint32_t kLongest = 200;
  struct Text {
    uint64_t hash;
    uint32_t start, length;
    int name;
  };
  struct Span {
    const uint8_t *at;
    uint32_t length;
  };
  const uint8_t *bytes = nullptr;
  const Table *table = nullptr;
  std::vector<uint32_t> slots;
  std::vector<Text> texts;
  std::vector<Span> spans;
  std::vector<int> constant_names;
  uint32_t used = 0;

  static bool is_quote(uint8_t byte) { return byte == '"' || byte == '\'' || byte == '`' || byte == '<' || byte == '>'; }

  int push(const uint8_t *at, uint32_t length) {
    spans.push_back({at, length});
    used += length;
    return static_cast<int>(spans.size()) - 1;
  }

  static uint64_t hash_of(const uint8_t *at, uint32_t length) {
    uint64_t hash = 0x9e3779b97f4a7c15ull ^ length;
    while (length >= 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      hash = (hash ^ word) * 0xff51afd7ed558ccdull;
      hash ^= hash >> 32;
      at += 8;
      length -= 8;
    }
    uint64_t rest = 0;
    std::memcpy(&rest, at, length);
    hash = (hash ^ rest) * 0xc4ceb9fe1a85ec53ull;
    return hash ^ (hash >> 29);
  }

  void grow() {
    std::vector<uint32_t> larger(slots.size() * 4);
    uint32_t mask = static_cast<uint32_t>(larger.size()) - 1;
    for (uint32_t id = 0; id < texts.size(); id++) {
      uint32_t slot = static_cast<uint32_t>(texts[id].hash) & mask;
      while (larger[slot]) slot = (slot + 1) & mask;
      larger[slot] = id + 1;
    }
    slots.swap(larger);
  }
};
}  // namespace code
