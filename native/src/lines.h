// Rows of a file, and what stands on them; src/core/parsing/line-table.ts is the twin.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace code {
enum : uint8_t { kTextLine = 1, kCodeLine = 2, kCommentLine = 4 };

struct Lines {
  std::vector<uint32_t> starts;
  std::vector<uint8_t> marks;
  std::vector<uint32_t> source, comment, blank;
  uint32_t physical = 0;

  void fill(const uint8_t *bytes, uint32_t length) {
    starts.clear();
    starts.push_back(0);
    const uint8_t *end = bytes + length;
    for (const uint8_t *at = bytes; at < end;) {
      const uint8_t *found = static_cast<const uint8_t *>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
      if (!found) break;
      at = found + 1;
      starts.push_back(static_cast<uint32_t>(at - bytes));
    }
    uint32_t rows = static_cast<uint32_t>(starts.size());
    physical = starts.back() == length ? rows - 1 : rows;
    starts.push_back(length);
    marks.assign(rows, 0);
    for (uint32_t row = 0; row < rows; row++)
      if (has_text(bytes, starts[row], starts[row + 1])) marks[row] = kTextLine;
  }

  static bool has_text(const uint8_t *bytes, uint32_t start, uint32_t end) {
    uint32_t i = start;
    if (i == 0 && end >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf) i = 3;
    for (; i < end; i++)
      if (bytes[i] != ' ' && (bytes[i] < 9 || bytes[i] > 13)) return true;
    return false;
  }

  uint32_t row_of(uint32_t offset) const {
    uint32_t low = 0, high = static_cast<uint32_t>(starts.size()) - 2;
    while (low < high) {
      uint32_t middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  void sum() {
    source.assign(physical + 1, 0);
    comment.assign(physical + 1, 0);
    blank.assign(physical + 1, 0);
    for (uint32_t row = 0; row < physical; row++) {
      bool is_blank = !(marks[row] & kTextLine);
      bool is_comment = !is_blank && (marks[row] & kCommentLine) && !(marks[row] & kCodeLine);
      source[row + 1] = source[row] + (is_blank || is_comment ? 0 : 1);
      comment[row + 1] = comment[row] + (is_comment ? 1 : 0);
      blank[row + 1] = blank[row] + (is_blank ? 1 : 0);
    }
  }

  struct Counts {
    int source, comment, blank;
  };
  Counts between(uint32_t from, uint32_t to) const {
    uint32_t last = std::min(to, physical), first = std::min(from, last);
    return {static_cast<int>(source[last] - source[first]), static_cast<int>(comment[last] - comment[first]),
            static_cast<int>(blank[last] - blank[first])};
  }
};

/** As strict as the decoder of the other engines: no overlong forms, no surrogates, nothing above U+10FFFF. */
inline bool is_utf8(const uint8_t *s, uint32_t n) {
  uint32_t i = 0;
  while (i < n) {
    if (i + 8 <= n) {
      uint64_t eight;
      std::memcpy(&eight, s + i, 8);
      if (!(eight & 0x8080808080808080ull)) {
        i += 8;
        continue;
      }
    }
    uint8_t a = s[i];
    if (a < 0x80) {
      i++;
      continue;
    }
    uint32_t more = a >= 0xf0 ? 3 : a >= 0xe0 ? 2 : 1;
    if (a < 0xc2 || a > 0xf4 || i + more >= n) return false;
    uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
    uint8_t high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    if (s[i + 1] < low || s[i + 1] > high) return false;
    for (uint32_t k = 2; k <= more; k++)
      if ((s[i + k] & 0xc0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}
}  // namespace code
